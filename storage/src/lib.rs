//! The store: what became of each page, kept once, and written out.
//!
//! - [`EndedTask`]: how a task ended, as it is read from `parsed-data`; [`Page`]: the row it becomes.
//! - [`StoreHandler`]: the service's handler; [`write`]: the one transaction that stores a batch.
//! - [`store`]: the databases behind one trait, with their SQL; migrations stand in `migrations/`.
//! - [`row`]: pages, links and items as rows; [`sink`]: rows in files and on standard output, each once over
//!   `kill -9`; [`warc`]: archives, read and written; [`ArchiveHandler`]: what was fetched, into archives.
//! - [`export`] and [`archived`]: what is stored, written out; [`visit_pages`]: archives as pages; [`duplicates`]: pages alike;
//!   [`cli`]: the command's verbs; [`Settings`].
//!
//! What holds: a page, the id of its message, its count and the length of the outputs that have its row are
//! one transaction. Whatever is delivered twice has its effect once.

mod archive;
pub mod archived;
mod archived_pages;
pub mod cli;
pub mod duplicates;
pub mod export;
mod handler;
mod input;
mod outlets;
mod page;
pub mod row;
mod settings;
pub mod sink;
pub mod store;
mod unarchived;
pub mod warc;
mod write;

pub use archive::{Archive, ArchiveHandler, ArchiveSpec};
pub use archived_pages::{ArchivedPage, visit_pages};
pub use handler::{OutputTrouble, StoreHandler, Tally, Trouble};
pub use input::EndedTask;
pub use outlets::{Outlet, OutletError, Outlets};
pub use page::Page;
pub use settings::Settings;
pub use unarchived::unarchived;
pub use write::{Entry, keep_items, write};

use trawl_shared::{runtime::Service, telemetry::Instrument};

/// The service, ready to run on any bus; with an archive it reads what was fetched as well.
#[must_use]
pub fn service(handler: StoreHandler, archive: Option<ArchiveHandler>, settings: &Settings) -> Service {
    let stored = handler.stored();
    let service = Service::new("storage")
        .on_start(move |bus| bus.metrics.add([&stored as &dyn Instrument]))
        .batch_handler(handler, settings.group());
    match archive {
        Some(archive) => service.batch_handler(archive, settings.archive_group()),
        None => service,
    }
}
