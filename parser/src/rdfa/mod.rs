//! RDFa 1.1 (W3C Recommendation): what needs no tree. `context` turns terms and CURIEs into IRIs,
//! `graph` collects triples and writes them as expanded JSON-LD; the walk is in [`crate::dom`].

mod context;
mod graph;

pub use context::Context;
pub use graph::{Graph, Object};
