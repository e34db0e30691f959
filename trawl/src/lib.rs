//! Everything in one process: the five services over the in-process bus and SQLite.
//!
//! - [`cli`]: the verbs.
//! - [`crawl`]: `trawl crawl`: opens the stores, runs the services, shows progress, reports.
//! - [`embedded`]: the five services put together, once, for the crawl and for the topology.
//! - [`audit`]: adds up the states of a job's URLs against what is stored and what is dead.
//! - [`letters`]: the dead letters of an embedded crawl.
//! - [`policies`]: how failures are retried.
//! - [`reparse`]: new rules over archived pages.
//! - [`topology`]: the graph of topics and handlers, read off the types.

pub mod audit;
pub mod cli;
pub mod crawl;
mod database;
pub mod embedded;
pub mod letters;
pub mod policies;
pub mod reparse;
pub mod topology;
