//! What the parser can be told. Every field has a default that is right for most crawls.

use serde::{Deserialize, Serialize};
use trawl_shared::config::Section;

/// Settings of the parser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The name by which pages may speak to this crawler alone: `<meta name=trawl>`,
    /// `X-Robots-Tag: trawl: nofollow`. A job's user agent has a name of its own, which wins.
    pub robot_name: String,
    /// Most bytes read of one body; what follows is not.
    pub max_body_bytes: usize,
    /// Most links kept of one page.
    pub max_links: usize,
    /// Most bytes that the links of one page may take, as written and resolved. With the text they
    /// must fit in a record of parsed-data.
    pub max_link_bytes: usize,
    /// Most bytes of text kept of one page.
    pub max_text_bytes: usize,
    /// Most bytes of meta tags and JSON-LD kept of one page, and most bytes each that its microdata,
    /// its RDFa and the items of rules may come to.
    pub max_structured_bytes: usize,
    /// Elements within elements at which the document tree ends; what stands deeper is not read.
    /// (Browsers stop nesting at 512.)
    pub max_depth: usize,
    /// Bytes that the streaming pass may hold of open elements before the tree is asked instead.
    pub max_streaming_memory: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            robot_name: "trawl".to_owned(),
            max_body_bytes: 32 * 1024 * 1024,
            max_links: 50_000,
            max_link_bytes: 6 * 1024 * 1024,
            max_text_bytes: 3 * 1024 * 1024,
            max_structured_bytes: 1024 * 1024,
            max_depth: 1024,
            max_streaming_memory: 32 * 1024 * 1024,
        }
    }
}

impl Section for Settings {
    const NAME: &'static str = "parser";
}
