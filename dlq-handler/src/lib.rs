//! Dead letters: a ledger of every message that was given up, and the way back for those that deserve it.
//!
//! - [`LedgerHandler`]: the service's handler, `dead-letter` into the [`store`].
//! - [`Letter`]: what is kept: the record byte for byte, why it died, every attempt.
//! - [`replay`]: sending the same message again, to the group it died in.
//! - [`cli`]: `list`, `show`, `replay`, `discard`; [`Settings`].
//!
//! What holds: a letter is one row however often it is delivered; its record is what the failing service
//! read, byte for byte; it is marked as replayed only when the broker has the record; what strangers wrote
//! is escaped before a terminal sees it.

mod as_text;
pub mod cli;
mod handler;
mod letter;
mod replay;
mod settings;
pub mod store;

pub use handler::LedgerHandler;
pub use letter::{Death, Letter, LetterId, State, Summary};
pub use replay::{Replay, ReplayError, mark_replayed, replay, replay_records};
pub use settings::Settings;

use std::sync::Arc;
use trawl_shared::runtime::Service;

/// The service, ready to run on any bus.
#[must_use]
pub fn service(ledger: &Arc<dyn store::Ledger>, settings: &Settings) -> Service {
    Service::new("dlq-handler").batch_handler(LedgerHandler::new(Arc::clone(ledger)), settings.group())
}
