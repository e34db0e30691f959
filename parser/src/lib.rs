//! The parser: page in, facts out. Pure and synchronous; it keeps no state and asks nobody.
//!
//! | step | room |
//! |---|---|
//! | message in, message out | [`handler`] |
//! | which reader a body needs | [`content_type`], [`xhtml`] |
//! | bytes to text | [`charset`] |
//! | links and metadata, in one pass without a tree | [`stream`] |
//! | visible text; links and metadata where the pass can't tell | [`dom`] |
//! | the main content, as text and Markdown | [`content`] |
//! | what both tiers gather, in the page's own words | [`facts`], [`text`] |
//! | links made absolute | [`links`], [`resolve`] |
//! | sitemaps, and those that robots.txt names | [`sitemap`] |
//! | what a job's rules extract | [`rules`] |
//! | links in headers; addresses that no link declares | [`header_links`], [`hidden`] |
//! | whether links may be followed | [`robots_meta`] |
//! | all of it in order | [`mod@parse`] |
//! | the doors | [`service`], [`cli`], [`settings`] |
//!
//! Both tiers read a page as a browser without scripting does: `<noscript>` is markup, `<template>`
//! is not. What is hostile ends in bounds of [`settings`], never in a crash.

pub mod about;
pub mod cli;
pub mod content;
pub mod content_type;
pub mod date;
pub mod dom;
pub mod elements;
pub mod facts;
pub mod fingerprint;
pub mod handler;
pub mod header_links;
pub mod hidden;
pub mod json_ld;
pub mod language;
pub mod links;
pub mod parse;
pub mod rdfa;
pub mod readers;
pub mod resolve;
pub mod robots_meta;
pub mod rules;
pub mod settings;
pub mod sitemap;
pub mod srcset;
pub mod stream;
pub mod text;
pub mod xhtml;

pub use handler::ParseHandler;
pub use parse::{Document, Parsed, parse};
pub use settings::Settings;
pub use trawl_shared::content::charset;

use std::{num::NonZero, thread};
use trawl_shared::{
    blob::Bodies,
    runtime::{GroupSettings, Handler as _, Service},
};

/// The parser as a service: as many pages at once as there are cores, because parsing waits for
/// nothing. The bodies that records only name are in `bodies`.
#[must_use]
pub fn service(settings: &Settings, bodies: Bodies) -> Service {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let group = GroupSettings { concurrency: cores, max_in_flight: 512, ..GroupSettings::default() };
    Service::new(ParseHandler::NAME)
        .only_messages()
        .handler(ParseHandler::new(settings.clone()).with_bodies(bodies), group)
}
