//! The fetcher: turns a task into a page or an outcome. It has no database; what it remembers
//! (pace, robots.txt, addresses) it can learn again.
//!
//! The way of a task, from the top:
//!
//! - [`handler`]: the service. A task in, a page or a terminal outcome or a failure out.
//! - [`fetch_page`]: one page the whole way: robots.txt, then the host's gate, then the exchange.
//! - [`robots`]: robots.txt (RFC 9309), fetched, remembered and matched.
//! - [`polite`]: one request behind the host's gate; [`pace`] holds the gates.
//! - [`http`]: the exchange itself, bounded; the only folder that names hyper. [`cookies`] for jobs that want them.
//! - [`resolve`] and [`address`]: names to addresses, and which addresses may be dialled.
//! - [`status`]: what an answer means, in a table.
//! - [`meters`]: the numbers that are scraped. [`cli`] and [`settings`]: the doors.
//!
//! Invariants: no request leaves but through [`polite`], so pace and guard hold for pages,
//! redirects and robots.txt alike; nothing is read without a bound in bytes and in time; a redirect
//! is an answer and never followed by the service.

pub mod address;
pub mod cli;
pub mod cookies;
pub mod fetch_page;
pub mod handler;
pub mod http;
pub mod meters;
pub mod pace;
pub mod polite;
pub mod resolve;
pub mod robots;
pub mod settings;
pub mod status;

pub use handler::FetchHandler;
pub use settings::Settings;

use std::sync::Arc;
use trawl_shared::{
    blob::Bodies,
    runtime::{Bus, GroupSettings, Handler as _, Service},
};

/// Tasks that one member holds at once: far more than requests, because most of them wait for
/// their hosts.
const TASKS_AT_ONCE: usize = 1024;

/// Slowest and blocked hosts that `/status` names, of each.
const HOSTS_SHOWN: usize = 20;

/// The service, ready for a bus. Bodies too large for a record go to `bodies`.
///
/// # Errors
/// When the HTTP client can't be set up.
pub fn service(settings: &Settings, bodies: Bodies) -> Result<Service, http::BuildError> {
    let group = GroupSettings {
        concurrency: TASKS_AT_ONCE,
        max_in_flight: TASKS_AT_ONCE,
        ..GroupSettings::default()
    };
    let handler = FetchHandler::new(settings)?.with_bodies(bodies);
    let (meters, pace) = (handler.fetcher().polite().meters().clone(), handler.fetcher().polite().pace());
    let watch = move |bus: &Bus| {
        bus.metrics.add(meters.instruments());
        let hosts = Arc::clone(&pace);
        bus.health.detail("hosts", move || serde_json::json!(hosts.report(HOSTS_SHOWN)));
        bus.metrics.before_scrape(move || meters.hosts(&pace));
    };
    Ok(Service::new(FetchHandler::NAME).only_messages().handler(handler, group).on_start(watch))
}
