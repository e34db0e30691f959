//! Every binary of the house in one file: which of them it is, the name says that it was called by.
//!
//! The image holds this one file, and links to it that are named after the services. Five more binaries would be the same
//! libraries five more times: to build, to store, and for a machine that runs several services in memory as well.

use std::{ffi::OsString, path::Path, process::ExitCode};

use clap::Parser;
use trawl_shared::cli::run_main;

/// A binary of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// The frontier.
    UrlManager,
    /// The fetcher.
    Scraper,
    /// Extraction.
    Parser,
    /// What is kept.
    Storage,
    /// Dead letters.
    DlqHandler,
    /// All of it in one process, which is what any other name means.
    Trawl,
}

impl Binary {
    /// The binary that a program is called as: by its name alone or by a path to it (`argv[0]`).
    #[must_use]
    pub fn called(argv0: Option<OsString>) -> Self {
        let name = argv0.as_deref().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
        match name {
            Some("url-manager") => Self::UrlManager,
            Some("scraper") => Self::Scraper,
            Some("parser") => Self::Parser,
            Some("storage") => Self::Storage,
            Some("dlq-handler") => Self::DlqHandler,
            _ => Self::Trawl,
        }
    }

    /// Reads the command line as this binary does, and does what it says.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self {
            Self::UrlManager => run_main(trawl_url_manager::cli::Cli::parse().run()),
            Self::Scraper => run_main(trawl_scraper::cli::Cli::parse().run()),
            Self::Parser => run_main(trawl_parser::cli::Cli::parse().run()),
            Self::Storage => run_main(trawl_storage::cli::Cli::parse().run()),
            Self::DlqHandler => run_main(trawl_dlq_handler::cli::Cli::parse().run()),
            Self::Trawl => run_main(crate::cli::run()),
        }
    }
}
