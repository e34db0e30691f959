//! The synthetic web: hosts, pages, links, errors and robots rules drawn from a seed.
//!
//! A page is a pure function of (seed, settings, host, path): nothing is stored, any page can be computed on its own,
//! and two runs meet the same web. What a crawler should make of it is computed from the same draws by [`truth`],
//! which never looks at the HTML.
//!
//! | file | answers |
//! |---|---|
//! | `draw` | a seeded stream of numbers for one question |
//! | `choice`, `profile` | which web; which things happen, at which rate |
//! | `layout` | the page tree of a host, as arithmetic on page numbers |
//! | `address` | page number to URL path, and back |
//! | `fate` | what a request for a page ends in |
//! | `links` | where a page links to |
//! | `words`, `html`, `files` | bytes |
//! | `robots` | a host's rules, as text and as a verdict |
//! | `reply` | the whole answer to one request |
//! | `truth` | the URLs reachable from the seeds and what each should end in |
//! | `server`, `log` | HTTP on loopback, and a record of what was asked when |

mod address;
mod choice;
mod draw;
mod fate;
mod files;
mod html;
mod layout;
mod links;
mod log;
mod profile;
mod reply;
mod robots;
mod server;
mod truth;
mod words;

pub use address::{DOMAIN, Place};
pub use choice::WebChoice;
pub use fate::Fate;
pub use log::RequestLog;
pub use profile::{Preset, Profile, Spread};
pub use reply::Reply;
pub use server::serve;
pub(crate) use truth::hashed_truth;
pub use truth::{End, Excluded, TruthRow, truth};

use draw::Draw;
use layout::Layout;
use words::Phrases;

/// What web to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The seed of every draw.
    pub seed: u64,
    /// How many hosts there are.
    pub hosts: u32,
    /// How many pages all hosts have together.
    pub pages: u32,
    /// What happens at which rate.
    pub profile: Profile,
}

/// One synthetic web, as served on one port.
///
/// The port is part of it because pages link to other hosts by absolute URLs.
#[derive(Debug)]
pub struct Web {
    settings: Settings,
    port: u16,
    layouts: Vec<Layout>,
    phrases: Phrases,
}

impl Web {
    /// The web that `settings` describe, as it looks when served on `port`.
    pub fn new(settings: Settings, port: u16) -> Self {
        let layouts = spread(&settings).into_iter().map(Layout::new).collect();
        let phrases = Phrases::new(settings.seed);
        Self { settings, port, layouts, phrases }
    }

    /// What the web was drawn from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The port that absolute URLs name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The root URL of every host: the seeds of a crawl.
    pub fn seeds(&self) -> Vec<String> {
        (0..self.hosts()).map(|host| self.url(host, Place::Page(0))).collect()
    }

    /// How many hosts there are.
    pub fn hosts(&self) -> u32 {
        self.layouts.len() as u32
    }

    /// How many pages a host has; 0 for a host that is not of this web.
    pub fn pages_of(&self, host: u32) -> u32 {
        self.layouts.get(host as usize).map_or(0, Layout::pages)
    }

    fn layout(&self, host: u32) -> &Layout {
        &self.layouts[host as usize]
    }

    fn draw(&self, question: &str, key: &[u32]) -> Draw {
        Draw::new(self.settings.seed, question, key)
    }
}

/// Pages by host; the sum is `settings.pages` wherever each host can have at least its root.
fn spread(settings: &Settings) -> Vec<u32> {
    let hosts = settings.hosts.max(1);
    let weight = |host: u32| match settings.profile.spread {
        Spread::Even => 1_000_000,
        Spread::Skewed => 1_000_000 / (u64::from(host) + 1),
    };
    let total: u64 = (0..hosts).map(weight).sum();
    let mut shares: Vec<u32> =
        (0..hosts).map(|host| (u64::from(settings.pages) * weight(host) / total).max(1) as u32).collect();
    // Rounding leaves a few pages over: they go to the first hosts, one each.
    let left_over = settings.pages.saturating_sub(shares.iter().sum());
    for share in shares.iter_mut().take(left_over as usize) {
        *share += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::{Preset, Profile, Settings, spread};

    #[test]
    fn pages_add_up() {
        for (preset, hosts, pages) in
            [(Preset::Docs, 20, 3000), (Preset::Docs, 7, 100), (Preset::Wild, 9, 1000), (Preset::Wild, 1, 5)]
        {
            let settings = Settings { seed: 1, hosts, pages, profile: Profile::preset(preset) };
            let shares = spread(&settings);
            assert_eq!(shares.iter().sum::<u32>(), pages, "{preset} {hosts} {pages}");
            assert_eq!(shares.len(), hosts as usize);
        }
    }

    #[test]
    fn a_wild_web_has_a_hot_host() {
        let settings = Settings { seed: 1, hosts: 10, pages: 1000, profile: Profile::preset(Preset::Wild) };
        let shares = spread(&settings);
        assert!(shares[0] > 5 * shares[9], "{shares:?}");
    }
}
