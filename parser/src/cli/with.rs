//! `--with`: what is computed of a page, by the names of people.

use clap::ValueEnum;
use trawl_shared::model::{ExtractSettings, LinkKinds};

/// A part of what can be extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Links of every kind, images, scripts and forms too
    Links,
    /// The text, and the language it is written in
    Text,
    /// The main content as Markdown
    Markdown,
    /// Meta tags, JSON-LD, author, dates, feeds, icons
    Metadata,
    /// Metadata, microdata and RDFa
    Structured,
    /// Hash and `SimHash` of the text
    Fingerprints,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Links, Self::Text, Self::Markdown, Self::Metadata, Self::Structured, Self::Fingerprints];

    /// The settings of a job that asks for these parts.
    #[must_use]
    pub fn extract(parts: &[Self]) -> ExtractSettings {
        let wants = |part| parts.contains(&part);
        ExtractSettings {
            text: wants(Self::Text),
            markdown: wants(Self::Markdown),
            metadata: wants(Self::Metadata) || wants(Self::Structured),
            structured: wants(Self::Structured),
            fingerprints: wants(Self::Fingerprints),
            links: if wants(Self::Links) { LinkKinds::DECLARED } else { LinkKinds::NONE },
            raw_links: true,
            ..ExtractSettings::default()
        }
    }
}
