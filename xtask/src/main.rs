//! `cargo xtask`: the developer's commands. Real servers for tests, the one test command, and the checks that a
//! compiler cannot do. It depends on no other crate of the workspace, so it works while those do not compile.

mod chaos;
mod cli;
mod fleet;
mod layout;
mod services;
mod test_command;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::layout::Layout;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let layout = Layout::find()?;
    match command {
        Command::Services { verb } => services::run(&layout, verb).map(|()| ExitCode::SUCCESS),
        Command::Test(options) => test_command::run(&layout, &options),
        Command::Chaos(options) => chaos::run(&layout, &options),
        Command::FleetTest(options) => fleet::run(&layout, &options),
        Command::Tidy => tidy::run(layout.root()),
    }
}
