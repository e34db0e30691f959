//! Dead letters: a ledger of every message that was given up, and the way back for those that deserve it.
//!
//! - [`LedgerHandler`]: the service's handler, `dead-letter` into the [`store`]; and out of it, when a replay was handled.
//! - [`Letter`]: what is kept: the record byte for byte, why it died, every attempt; [`State`] and [`Event`], what was done.
//! - [`filter`]: the one language in which letters are chosen.
//! - [`replay`]: sending the same messages again, to the groups they died in, at a bounded rate.
//! - [`transfer`]: letters between ledgers.
//! - [`cli`], [`web`], [`Settings`]: the doors; `metrics`, what Prometheus is told.
//!
//! What holds: a letter is one row however often it is delivered; its record is what the failing service
//! read, byte for byte; it is marked as replayed only when the broker has the record, and as resolved only when the
//! group it died in has handled it; what strangers wrote is escaped before a terminal sees it, and is a bound value before a
//! database does; from another machine nobody comes in without the token.

pub mod as_text;
pub mod cli;
pub mod filter;
mod handler;
mod letter;
mod metrics;
pub mod replay;
mod settings;
mod state;
pub mod store;
pub mod transfer;
pub mod web;

pub use handler::LedgerHandler;
pub use letter::{Death, Letter, LetterId, Summary};
pub use settings::Settings;
pub use state::{Event, State};

use std::sync::Arc;
use trawl_shared::runtime::{BatchHandler as _, Service};

/// The service, ready to run on any bus.
#[must_use]
pub fn service(ledger: &Arc<dyn store::Ledger>, settings: &Settings) -> Service {
    let meters = metrics::Meters::default();
    let (shown, counted) = (meters.clone(), Arc::clone(ledger));
    Service::new(LedgerHandler::NAME)
        .on_start(move |bus| bus.metrics.add(shown.instruments()))
        .batch_handler(LedgerHandler::new(Arc::clone(ledger)), settings.group())
        .background("counting the ledger", move |_, shutdown| {
            Box::pin(async move {
                meters.keep(&*counted, shutdown).await;
                Ok(())
            })
        })
}
