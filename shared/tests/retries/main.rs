//! Delayed retries on the one `retry` topic: each in time, none blocked by a later one, none lost over a restart, memory
//! bounded. At full scale over the in-process broker with time paused; smaller on a real Kafka.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[cfg(feature = "kafka")]
#[path = "../kafka/mod.rs"]
mod kafka;
#[cfg(feature = "kafka")]
mod on_kafka;
mod on_memory;
mod waiter;
