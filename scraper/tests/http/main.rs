//! The fetcher against real servers on loopback, with the real clock.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod bodies;
mod command;
mod corpora;
mod curl;
mod encrypted;
mod guard;
mod hostile;
mod http1;
mod names;
mod outcomes;
mod politeness;
mod proxies;
mod robots;
mod site;
mod tasks;
