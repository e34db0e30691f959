//! The service loop over the in-process broker, time paused: what becomes of messages that pass,
//! fail, panic, wait, repeat, or are no messages at all.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod ends;
mod outputs;
mod scripted;
mod waits;
