//! Profiles: what kind of web is drawn. A preset is a starting point; each figure can be changed.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Which preset a web was drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Documentation sites: no errors, no delay, evenly sized. For cost per page.
    Docs,
    /// The web as it is: errors, redirects, robots rules, slow answers, one host far larger than the others.
    Wild,
    /// The wild web with its pages evenly spread and crawl delays that are felt: for the fault suite, whose crawls
    /// have to last.
    Rough,
}

impl fmt::Display for Preset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Docs => "docs",
            Self::Wild => "wild",
            Self::Rough => "rough",
        })
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        clap::ValueEnum::from_str(name, true)
    }
}

/// How pages are spread over hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Every host has the same number of pages.
    Even,
    /// Host `n` has a share proportional to `1 / (n + 1)`: one hot host and a long tail.
    Skewed,
}

/// Everything that is drawn at some rate. Rates are in ten thousand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How pages are spread over hosts.
    pub spread: Spread,
    /// Pages that answer with a redirect (301 or 302), some through further hops.
    pub moved: u32,
    /// Pages that answer 404 or 410 for ever.
    pub gone: u32,
    /// Pages that answer 500 or 503 once or twice and are well afterwards.
    pub flaky: u32,
    /// Pages that answer 500 for ever.
    pub broken: u32,
    /// Pages that answer 429 with `Retry-After` once and are well afterwards.
    pub throttled: u32,
    /// Pages that link to a file which is no HTML.
    pub files: u32,
    /// Hosts whose robots.txt closes some sections; the others have no robots.txt.
    pub robots: u32,
    /// Of the hosts with rules, those that also ask for a crawl delay.
    pub delayed: u32,
    /// The crawl delay that such hosts ask for, in milliseconds.
    pub crawl_delay_ms: u32,
    /// The `Retry-After` of a 429, in seconds.
    pub retry_after_s: u32,
    /// Upper bound of a host's usual answer time, in milliseconds; one answer in fifty takes ten times as long.
    pub latency_ms: u32,
}

impl Profile {
    /// The figures of a preset.
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Docs => Self {
                spread: Spread::Even,
                moved: 0,
                gone: 0,
                flaky: 0,
                broken: 0,
                throttled: 0,
                files: 0,
                robots: 0,
                delayed: 0,
                crawl_delay_ms: 0,
                retry_after_s: 0,
                latency_ms: 0,
            },
            Preset::Wild => Self {
                spread: Spread::Skewed,
                moved: 400,
                gone: 250,
                flaky: 150,
                broken: 50,
                throttled: 100,
                files: 600,
                robots: 7000,
                delayed: 2500,
                crawl_delay_ms: 100,
                retry_after_s: 1,
                latency_ms: 30,
            },
            Preset::Rough => Self {
                spread: Spread::Even,
                broken: 60,
                robots: 5000,
                delayed: 4000,
                crawl_delay_ms: 700,
                latency_ms: 20,
                ..Self::preset(Preset::Wild)
            },
        }
    }
}
