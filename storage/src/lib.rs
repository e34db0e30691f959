//! The store: what became of each page, kept once, and written out.
//!
//! - [`EndedTask`]: how a task ended, as it is read from `parsed-data`; [`Page`]: the row it becomes.
//! - [`StoreHandler`]: the service's handler; [`write`]: the one transaction that stores a batch.
//! - [`store`]: the databases behind one trait, with their SQL; migrations stand in `migrations/`.
//! - [`sink`]: rows in files and on standard output, each once over `kill -9`.
//! - [`export`]: rows of what is stored; [`cli`]: the command's verbs; [`Settings`].
//!
//! What holds: a page, the id of its message, its count and the length of the outputs that have its row are
//! one transaction. Whatever is delivered twice has its effect once.

pub mod cli;
pub mod export;
mod handler;
mod input;
mod page;
mod settings;
pub mod sink;
pub mod store;
mod write;

pub use handler::{OutputTrouble, StoreHandler, Tally};
pub use input::EndedTask;
pub use page::Page;
pub use settings::Settings;
pub use write::{Entry, write};

use trawl_shared::runtime::Service;

/// The service, ready to run on any bus.
#[must_use]
pub fn service(handler: StoreHandler, settings: &Settings) -> Service {
    Service::new("storage").batch_handler(handler, settings.group())
}
