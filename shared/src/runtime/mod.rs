//! The message runtime: what stands around a handler.
//!
//! `group` is the loop, `intake` what it takes and for which handler; `worker` sees a message through to its end; `route` is a handler with its
//! types forgotten; `tracker` is the watermark; `tiers` and `hold` are the waiting room, `policy` says who waits how
//! long; `service` puts them together.

mod circuit;
mod failure;
mod group;
mod handler;
mod hold;
mod intake;
mod outputs;
mod policy;
mod recent;
mod recovery;
mod route;
mod service;
mod settings;
mod sink;
mod slots;
mod tiers;
mod tracker;
mod worker;

pub use crate::{clock::Clock, model::FailureClass};
pub use circuit::CircuitSettings;
pub use failure::{Failure, Fault};
pub use group::RunError;
pub use handler::{BatchHandler, Context, Handler};
pub use outputs::{Lineage, Outputs, encode_root};
pub use policy::{RetryPolicies, RetryPolicy};
pub use service::{Bus, Flow, Running, Service};
pub use settings::{DeliveryMode, GroupChanges, GroupSettings, RuntimeSettings, TransactionSettings};
pub use tiers::retry_partition;
