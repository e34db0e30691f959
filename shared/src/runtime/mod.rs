//! The message runtime: what stands around a handler.

mod failure;
mod handler;
mod outputs;
mod recent;
mod retry;
mod tracker;

pub use failure::{FailureClass, Failure, Fault};
pub use handler::{BatchHandler, Context, Handler};
pub use retry::{RetryPolicies, RetryPolicy};
pub use outputs::{Lineage, Outputs, encode_root};
