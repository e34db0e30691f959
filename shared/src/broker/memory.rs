//! In-process broker.
