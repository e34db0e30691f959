//! Everything the services have in common: the domain [`model`], typed [`message`]s, the
//! [`broker`] seam with its adapters, the [`runtime`] that turns a handler into a service,
//! [`config`] and [`telemetry`]; [`content`], what bodies are, and [`blob`], where large ones go.
//!
//! Arrows point down: `model` knows nothing, `message` knows `model`, `broker` knows `message`,
//! `runtime` knows `broker`; adapters hang at the edge.

pub mod blob;
pub mod broker;
pub mod cli;
mod clock;
pub mod config;
pub mod content;
#[cfg(feature = "testing")]
pub mod corpora;
pub mod listener;
pub mod message;
pub mod model;
pub mod runtime;
#[cfg(feature = "sql")]
pub mod sql;
pub mod telemetry;
