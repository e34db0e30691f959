//! `cargo xtask fleet-test`: the image and the compose file that users get, in a real engine. It crawls a site, scales,
//! kills, restarts and cuts services off, and looks whether every page is stored once and the audit balances.
//!
//! Where no registry can be reached, the images of others are made here (`stand_ins.rs`); ours never is anything but
//! what the Dockerfile builds.

mod brokers;
mod engine;
mod journal;
mod site;
mod stack;
mod stand_ins;
mod story;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::FleetOptions;
use crate::layout::Layout;
use engine::Engine;
use journal::Journal;
use site::Site;
use stack::Stack;
use story::End;

pub(crate) fn run(layout: &Layout, options: &FleetOptions) -> Result<ExitCode> {
    let mut journal = Journal::begin();
    let site = Site::draw();
    let stack = match prepare(layout, options, &site, &mut journal) {
        Err(why) if options.if_possible => {
            journal.note(format_args!("left out, the fleet was not run: {why:#}"));
            return Ok(ExitCode::SUCCESS);
        }
        prepared => prepared?,
    };
    // What an earlier run left would be taken for this one's.
    stack.down()?;
    let told = story::tell(&stack, &site, options, &mut journal);
    if let Err(error) = &told {
        journal.note(format_args!("failed: {error:#}; the ends of the logs:"));
        eprintln!("{}", stack.logs().unwrap_or_else(|why| format!("cannot be read: {why:#}")));
    }
    if options.keep {
        journal.note(format_args!("left running: {}", stack.how_to_stop()));
    } else {
        journal.step("take everything down");
        stack.down()?;
    }
    match told? {
        End::Passed => journal.note("passed"),
        End::NotBuilt => journal
            .note("left out, the fleet was not run: the image takes longer to build than there is time"),
    }
    Ok(ExitCode::SUCCESS)
}

/// All that others provide: the engine, the compose tool, and the images that ours stands on and beside.
fn prepare(layout: &Layout, options: &FleetOptions, site: &Site, journal: &mut Journal) -> Result<Stack> {
    let engine = Engine::find(layout, !options.if_possible)
        .context("the fleet needs a Docker engine and its compose plugin")?;
    journal.note(&engine);
    Stack::prepare(layout, engine, options, site, journal)
}
