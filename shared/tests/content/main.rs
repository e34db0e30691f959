//! The readers of bodies against collected cases, read in place where they are there. Each test
//! prints passed/total.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod bombs;
mod charset;
mod mime;
mod sitemap;
