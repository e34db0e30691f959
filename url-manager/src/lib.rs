//! The frontier: which URL next, and what became of each. The only writer of URL state.
//!
//! Two halves share a [`Frontier`]. *Feedback* takes facts: [`feedback`] how tasks ended and the links
//! they found (read by [`input`]), [`letters`] what is dead, [`waiting`] what waits for another attempt. *Dispatch* gives
//! URLs out: [`dispatch`] is the loop, `claim` decides whose turn it is, `tend` ends leases, budgets and
//! jobs.
//!
//! From the bottom:
//!
//! - [`state`] and `row`: the states of a URL and the rules that move it, all pure.
//! - [`spec`]: what is asked for; [`scope`], [`rules`], [`traps`]: which URLs belong to a job; [`job`], [`recrawl`]: its
//!   verdicts and pace; `key`, `shares`. Pure too.
//! - `seen` and `offer`: from a page's links to the few URLs that must be looked up.
//! - `store`: the seam to SQLite and PostgreSQL; SQL stands in files.
//! - `shards` and `bounds`: whose hosts are whose among several url-managers, and what spans hosts; `revisit`: pages
//!   that are fetched again.
//! - `budget` and `growth`: what is used up, and what grows without end.
//! - `work`: one transaction, with `books` (counts that are kept, not counted), `queues` and `jobs`.
//! - [`seed`], [`resume`], [`manage`], [`inspect`]: jobs begin, go on after a stop, are changed and ended, and are asked
//!   how they stand.
//! - `meters`: the numbers that are scraped. [`cli`] and [`settings`]: the doors.
//!
//! Invariants: a URL has one row in a job and is in one state; counts change in the transaction that
//! moves a URL; applying a fact twice, or facts in another order, gives the same rows; a link that is
//! new costs a share of a few statements for the whole batch, a link that is known costs a hash; what is
//! in memory is a bounded copy of what was committed.

pub mod cli;
pub mod dispatch;
pub mod error;
pub mod feedback;
pub mod input;
pub mod inspect;
pub mod job;
pub mod letters;
pub mod manage;
pub mod recrawl;
pub mod resume;
pub mod rules;
pub mod scope;
pub mod seed;
pub mod settings;
pub mod spec;
pub mod state;
pub mod traps;
pub mod waiting;

mod books;
mod bounds;
mod budget;
mod claim;
mod frontier;
mod growth;
mod jobs;
mod key;
mod meters;
mod offer;
mod queues;
mod revisit;
mod row;
mod seen;
mod shards;
mod shares;
mod store;
mod tend;
mod text;
mod touch;
mod work;

pub use dispatch::Dispatcher;
pub use error::FrontierError;
pub use feedback::FeedbackHandler;
pub use frontier::Frontier;
pub use input::EndedTask;
pub use job::{Adaptive, Budgets, HostBudget, JobSpec, JobState, Recrawl};
pub use letters::DeadLetterHandler;
pub use rules::ScopeRules;
pub use scope::ScopeKind;
pub use settings::Settings;
pub use state::UrlState;
pub use traps::TrapRules;
pub use waiting::RetryWatch;

use std::sync::Arc;
use trawl_shared::{
    model::FetchTask,
    runtime::{BatchHandler as _, GroupSettings, Service},
};

/// The service, ready for a bus.
#[must_use]
pub fn service(frontier: &Arc<Frontier>) -> Service {
    // One batch at a time: what comes in meanwhile makes the next one larger, and a larger batch is
    // cheaper for each of its messages.
    let group = || GroupSettings { concurrency: 1, ..GroupSettings::default() };
    let (dispatched, metered) = (Arc::clone(frontier), Arc::clone(frontier));
    Service::new(FeedbackHandler::NAME)
        .on_start(move |bus| bus.metrics.add(metered.meters.instruments()))
        .batch_handler(FeedbackHandler::new(Arc::clone(frontier)), group())
        .batch_handler(DeadLetterHandler::new(Arc::clone(frontier)), group())
        .batch_handler(RetryWatch::new(Arc::clone(frontier)), group())
        .source::<FetchTask>("dispatch", move |bus, shutdown| {
            Box::pin(async move {
                let health = bus.health.component("url-manager: dispatch", "no round has been made yet");
                let dispatcher = Dispatcher::new(Arc::clone(&dispatched), bus.broker.producer())
                    .traced(bus.traces.clone());
                tokio::select! {
                    ended = dispatcher.run(&health, shutdown) => Ok(ended?),
                    never = dispatched.show_crawls() => match never {},
                }
            })
        })
}
