//! The floors: the least that a crawler of this kind can cost.
//!
//! A floor fetches each page of the given hosts once, takes title and links from it, and writes one JSON line a page.
//! It has no robots.txt, no politeness, no retries and no memory on disk: what a real crawler costs more than this is
//! the price of those. There are two: links and title from a streaming pass over the bytes as they arrive, and the
//! same from a DOM.

mod crawl;
mod parser;
mod resolve;

pub use crawl::{Floor, FloorReport};
pub use parser::{Extracted, Parser, dom, streaming};
pub use resolve::{Override, ParseOverrideError};
