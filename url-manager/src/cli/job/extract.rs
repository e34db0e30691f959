//! What is kept of a job's pages.

use std::path::PathBuf;
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::{ExtractSettings, LinkKinds, RulesText},
};

/// What is extracted besides title, description, language, canonical URL, robots directives and links.
#[derive(Clone, Debug, clap::Args)]
pub struct ExtractArgs {
    /// Keep each page's text
    #[arg(long)]
    pub text: bool,
    /// Keep each page's main content as Markdown
    #[arg(long)]
    pub markdown: bool,
    /// Keep what each page says of itself: meta tags, JSON-LD, author, dates, feeds, icons
    #[arg(long)]
    pub metadata: bool,
    /// Keep microdata and RDFa
    #[arg(long)]
    pub structured: bool,
    /// Keep hash and SimHash of each page's text
    #[arg(long)]
    pub fingerprints: bool,
    /// Keep links of these kinds as well, such as img,script, or all
    #[arg(long, value_name = "KINDS")]
    pub links: Option<LinkKinds>,
    /// Keep each link as the page wrote it, too, beside its absolute URL
    #[arg(long)]
    pub raw_links: bool,
    /// Follow links of these kinds, or all; hidden ones, which nobody clicks, are for sites of your own
    /// [default: a,area,frame,iframe,refresh,sitemap,feed]
    #[arg(long, value_name = "KINDS")]
    pub follow: Option<LinkKinds>,
    /// Extract items by the rules of this TOML file, and follow links as it says; `parser test` tries rules out
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

impl ExtractArgs {
    pub(super) fn settings(&self) -> Result<ExtractSettings, CliError> {
        let rules = self.rules.as_deref().map(RulesText::read).transpose().or_exit(Exit::Config)?;
        Ok(ExtractSettings {
            text: self.text,
            markdown: self.markdown,
            metadata: self.metadata,
            structured: self.structured,
            fingerprints: self.fingerprints,
            links: self.links.unwrap_or_default(),
            raw_links: self.raw_links,
            follow: self.follow,
            rules,
        })
    }
}
