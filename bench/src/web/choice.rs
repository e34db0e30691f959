//! Which web, as flags.

use clap::Args;

use super::{Preset, Profile, Settings};

/// Which web.
#[derive(Clone, Debug, Args)]
pub struct WebChoice {
    /// The seed of every draw.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// How many host names.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub hosts: u32,
    /// How many pages, over all hosts.
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    pub pages: u32,
}

impl WebChoice {
    /// The settings of this choice under a preset.
    pub fn settings(&self, preset: Preset) -> Settings {
        Settings { seed: self.seed, hosts: self.hosts, pages: self.pages, profile: Profile::preset(preset) }
    }
}
