//! Everything in one process: the five services over the in-process bus and SQLite.
//!
//! - [`binaries`]: which binary of the house this is, by the name it was called by.
//! - [`cli`]: the verbs.
//! - [`crawl`]: `trawl crawl`: opens the stores, runs the services, shows progress, reports.
//! - [`embedded`]: the five services put together, once, for the crawl and for the topology.
//! - [`audit`]: adds up the states of a job's URLs against what is stored and what is dead.
//! - [`letters`]: the dead letters of an embedded crawl.
//! - [`policies`]: how failures are retried.
//! - `operate`: what operators ask Kafka, where the feature `kafka` is on.
//! - [`reparse`]: new rules over archived pages.
//! - [`top`]: a running fleet at one look.
//! - [`trace`]: the ids of a URL's fetch.
//! - [`topology`]: the graph of topics and handlers, read off the types.

pub mod audit;
pub mod binaries;
pub mod cli;
pub mod crawl;
mod database;
pub mod embedded;
pub mod letters;
#[cfg(feature = "kafka")]
pub mod operate;
pub mod policies;
pub mod reparse;
mod table;
pub mod top;
pub mod topology;
pub mod trace;
