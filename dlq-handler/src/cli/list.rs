//! `dlq-handler list`: a table for people, tab-separated lines or JSON for programs.

use crate::{
    as_text::line,
    letter::{State, Summary, moment},
    store::{Filter, Ledger},
};
use std::io::{self, Write};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::JobId,
};

/// Which letters, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Only letters of this crawl
    #[arg(long, value_name = "ID")]
    pub job: Option<JobId>,
    /// Only letters in this state
    #[arg(long)]
    pub state: Option<State>,
    /// Only letters that died with this code
    #[arg(long)]
    pub code: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// How a list without `--json` is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Columns and colour, short ids: for a terminal.
    Table,
    /// A header line and tabs, whole ids: for a pipe.
    Tsv,
}

impl ListArgs {
    /// Lists.
    ///
    /// # Errors
    /// When the ledger can't be asked, or the list can't be written.
    pub async fn run(
        &self,
        ledger: &dyn Ledger,
        layout: Layout,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let filter = Filter { job: self.job, state: self.state, code: self.code.clone() };
        let letters = ledger.list(&filter, self.limit).await?;
        let written = match layout {
            _ if self.json => json(&letters, out),
            Layout::Table => table(&letters, out),
            Layout::Tsv => tsv(&letters, out),
        };
        written.and_then(|()| out.flush()).or_exit(Exit::Output)?;
        if letters.len() == self.limit {
            eprintln!("the first {} letters; --limit shows more", self.limit);
        }
        Ok(())
    }
}

fn json(letters: &[Summary], out: &mut dyn Write) -> io::Result<()> {
    for letter in letters {
        serde_json::to_writer(&mut *out, letter)?;
        writeln!(out)?;
    }
    Ok(())
}

fn tsv(letters: &[Summary], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "id\tstate\tdied_at\tattempts\tservice\tcode\ttopic\turl\terror")?;
    for letter in letters {
        let Summary { id, state, attempts, .. } = letter;
        let texts = [
            &letter.service,
            &letter.code,
            &letter.topic,
            letter.url.as_ref().unwrap_or(&String::new()),
            &letter.error,
        ]
        .map(|text| line(text));
        writeln!(out, "{id}\t{state}\t{}\t{attempts}\t{}", moment(letter.died_at), texts.join("\t"))?;
    }
    Ok(())
}

fn table(letters: &[Summary], out: &mut dyn Write) -> io::Result<()> {
    if letters.is_empty() {
        return writeln!(out, "no letters");
    }
    let width = |column: fn(&Summary) -> &str, least: usize| {
        letters.iter().map(|letter| line(column(letter)).chars().count()).max().unwrap_or(0).max(least)
    };
    let services = width(|letter| &letter.service, "SERVICE".len());
    let codes = width(|letter| &letter.code, "CODE".len());
    writeln!(
        out,
        "{:<8}  {:<9}  {:<19}  {:>5}  {:<services$}  {:<codes$}  ABOUT",
        "ID", "STATE", "DIED (UTC)", "TRIES", "SERVICE", "CODE"
    )?;
    for letter in letters {
        let colour = match letter.state {
            State::Open => "\x1b[31m",
            State::Replayed => "\x1b[33m",
            State::Resolved => "\x1b[32m",
            State::Discarded => "\x1b[2m",
        };
        let about = letter.url.as_ref().unwrap_or(&letter.error);
        writeln!(
            out,
            "{}  {colour}{:<9}\x1b[0m  {}  {:>5}  {:<services$}  {:<codes$}  {}",
            letter.id.short(),
            letter.state,
            moment(letter.died_at).strftime("%Y-%m-%d %H:%M:%S"),
            letter.attempts,
            line(&letter.service),
            line(&letter.code),
            line(about),
        )?;
    }
    Ok(())
}
