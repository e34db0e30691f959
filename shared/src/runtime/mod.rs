//! The message runtime: what stands around a handler.
//!
//! `group` is the loop, `intake` what it takes and for which handler; `worker` sees a message through to its end; `route` is a handler with its
//! types forgotten; `tracker` is the watermark; `tiers` and `hold` are the waiting room, `policy` says who waits how
//! long; `bury` gives messages up, `sink` is where goes what follows from one, `spans` tells its hops; `readiness` says when a
//! group is ready; `service` puts them together.

mod bury;
mod circuit;
mod failure;
mod group;
mod handler;
mod hold;
mod intake;
mod outputs;
mod policy;
mod readiness;
mod recent;
mod recovery;
mod route;
mod service;
mod settings;
mod sink;
mod slots;
mod spans;
mod tiers;
mod tracker;
mod worker;

pub use crate::{clock::Clock, model::FailureClass};
pub use circuit::CircuitSettings;
pub use failure::{Failure, Fault};
pub use group::RunError;
pub use handler::{BatchHandler, Context, Handler};
pub use outputs::{Lineage, Outputs, encode_root, encode_root_in};
pub use policy::{RetryPolicies, RetryPolicy};
pub use service::{Bus, Flow, Running, Service};
pub use settings::{DeliveryMode, GroupChanges, GroupSettings, RuntimeSettings, TransactionSettings};
pub use spans::messaging;
pub use tiers::retry_partition;
