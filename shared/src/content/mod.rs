//! What bodies are, and what is in those that are no pages: media types ([`mime`]), charsets
//! ([`charset`]), sitemaps ([`sitemap`]).
//!
//! Pure functions over bytes, used by fetcher and parser alike and by verbs that show what they find.
//! Whatever strangers wrote meets bounds here, never a panic.

pub mod charset;
pub mod mime;
pub mod sitemap;
