//! The `parser` binary.

use clap::Parser;
use std::io::{self, IsTerminal as _};
use trawl_parser::{
    Settings,
    cli::{Layout, ParseArgs},
};

/// Extraction: page in, facts out.
#[derive(Debug, Parser)]
#[command(name = "parser", version)]
enum Cli {
    Parse(ParseArgs),
}

fn main() -> anyhow::Result<()> {
    let Cli::Parse(args) = Cli::parse();
    let layout = if io::stdout().is_terminal() { Layout::Indented } else { Layout::Line };
    args.run(&Settings::default(), layout, &mut io::stdout().lock())
}
