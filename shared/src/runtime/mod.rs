//! The message runtime: what stands around a handler.
//!
//! `group` is the loop, `intake` what it takes and for which handler; `worker` sees a message through to its end; `route` is a handler with its
//! types forgotten; `tracker` is the watermark; `hold` and `retry` are the waiting room; `service`
//! puts them together.

mod circuit;
mod clock;
mod failure;
mod group;
mod handler;
mod hold;
mod intake;
mod outputs;
mod recent;
mod retry;
mod route;
mod service;
mod settings;
mod slots;
mod tracker;
mod worker;

pub use circuit::CircuitSettings;
pub use clock::Clock;
pub use failure::{Failure, FailureClass, Fault};
pub use group::RunError;
pub use handler::{BatchHandler, Context, Handler};
pub use outputs::{Lineage, Outputs, encode_root};
pub use retry::{RetryPolicies, RetryPolicy};
pub use service::{Bus, Flow, Running, Service};
pub use settings::{GroupChanges, GroupSettings, RuntimeSettings};
