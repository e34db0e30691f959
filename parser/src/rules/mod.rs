//! Extraction rules: what a job wants of which pages, in a TOML file. `docs/rules.md` is the language.
//!
//! | step | room |
//! |---|---|
//! | the file as TOML | `format` |
//! | checked and compiled, or refused with line, field and remedy | `compile`, [`RulesError`] |
//! | which pages | `pages` |
//! | what a field finds: its source, the pieces, their type | `field`, `pieces`, `typed`, `number`, `dates`, `locale` |
//! | items and marked links of a page | `apply`, `follow` |
//! | compiled once for each text | [`cached`] |
//! | the job's rules where a page is parsed | [`Applicable`] |

mod applicable;
mod apply;
mod cache;
mod compile;
mod dates;
mod error;
mod field;
mod follow;
mod format;
mod locale;
mod number;
mod pages;
mod pieces;
mod typed;

pub use applicable::Applicable;
pub use apply::{Applied, Page};
pub use cache::cached;
pub use error::{Problem, RulesError};

use pages::PageRules;
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

/// A compiled file of rules.
#[derive(Debug)]
pub struct Rules {
    sets: Vec<PageRules>,
    hash: String,
}

impl Rules {
    /// Compiles the text of a rules file.
    ///
    /// # Errors
    /// With every problem that was found, each with its line.
    pub fn compile(text: &str) -> Result<Self, RulesError> {
        compile::compile(text).map(|sets| Self { sets, hash: hash(text) })
    }

    /// The hash of the text: 32 hexadecimal digits, by which results tell the rules that made them.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether any set of rules is for this page.
    #[must_use]
    pub fn are_for(&self, url: &Url) -> bool {
        self.sets.iter().any(|set| set.is_for(url))
    }
}

fn hash(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}
