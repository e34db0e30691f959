//! `dlq-handler stats`: the ledger at a glance.

use super::{WhereArgs, list, table};
use crate::{
    filter::{Field, Filter},
    letter::moment,
    state::State,
    store::{Group, Query, ReadLedger},
};
use jiff::Timestamp;
use std::io::{self, Write};
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// What open letters are counted by.
const BY: [&str; 3] = ["code", "service", "host"];
/// Lines of each of those counts.
const MOST: usize = 5;

/// Of which letters.
#[derive(Clone, Debug, clap::Args)]
pub struct StatsArgs {
    /// Which.
    #[command(flatten)]
    pub conditions: WhereArgs,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// The ledger at a glance.
#[derive(Clone, Debug)]
pub(crate) struct Stats {
    /// Letters of each state.
    pub(crate) states: Vec<(State, u64)>,
    /// What open letters have in common: by each of some fields, the most first.
    pub(crate) open: Vec<(Field, Vec<Group>)>,
    /// When the oldest open letter died.
    pub(crate) oldest: Option<Timestamp>,
}

impl Stats {
    /// Counts.
    pub(crate) async fn load<L: ReadLedger + ?Sized>(
        ledger: &L,
        filter: &Filter,
        most: usize,
    ) -> Result<Self, trawl_shared::sql::SqlError> {
        let field = |name| Field::named(name).expect("there is a field of this name");
        let found = ledger.groups(filter, &[field("state")], State::ALL.len()).await?;
        let count = |state: State| {
            let of_state = |group: &&Group| group.key[0].as_deref() == Some(state.as_str());
            found.iter().find(of_state).map_or(0, |group| group.letters)
        };
        let open = filter.clone().with("state", "open");
        let mut groups = Vec::with_capacity(BY.len());
        for name in BY {
            groups.push((field(name), ledger.groups(&open, &[field(name)], most).await?));
        }
        let oldest = ledger.list(&Query { descending: false, ..Query::new(open, 1) }).await?;
        Ok(Self {
            states: State::ALL.map(|state| (state, count(state))).to_vec(),
            open: groups,
            oldest: oldest.first().map(|letter| moment(letter.died_at)),
        })
    }

    /// As one object.
    pub(crate) fn json(&self) -> serde_json::Value {
        let states = self.states.iter().map(|(state, letters)| (state.to_string(), (*letters).into()));
        let groups = self.open.iter().map(|(field, groups)| {
            let groups = groups.iter().map(|group| list::group_object(&[*field], group)).collect();
            (format!("open_by_{field}"), groups)
        });
        let mut object: serde_json::Map<_, _> = groups.collect();
        object.insert("states".to_owned(), serde_json::Value::Object(states.collect()));
        object.insert("oldest_open".to_owned(), serde_json::json!(self.oldest));
        object.into()
    }
}

impl StatsArgs {
    /// Prints.
    ///
    /// # Errors
    /// When the ledger can't be asked, or nothing can be written.
    pub async fn run<L: ReadLedger + ?Sized>(
        &self,
        ledger: &L,
        is_terminal: bool,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let stats = Stats::load(ledger, &self.conditions.filter(), MOST).await?;
        let written =
            if self.json { writeln!(out, "{}", stats.json()) } else { text(&stats, is_terminal, out) };
        written.or_exit(Exit::Output)
    }
}

fn text(stats: &Stats, colours: bool, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> = stats
        .states
        .iter()
        .map(|(state, letters)| vec![table::state(*state, colours), letters.to_string()])
        .collect();
    table::write(&["STATE", ">LETTERS"], &rows, out)?;
    if let Some(oldest) = stats.oldest {
        let age = Timestamp::now().duration_since(oldest).unsigned_abs();
        let age = humantime::format_duration(std::time::Duration::from_secs(age.as_secs()));
        writeln!(out, "\nthe oldest open letter died {age} ago, at {oldest}")?;
    }
    for (field, groups) in stats.open.iter().filter(|(_, groups)| !groups.is_empty()) {
        writeln!(out)?;
        let rows: Vec<Vec<String>> = groups
            .iter()
            .map(|group| vec![group.letters.to_string(), table::cell(group.key[0].as_deref().unwrap_or("-"))])
            .collect();
        table::write(&[">OPEN", &field.name.to_uppercase()], &rows, out)?;
    }
    Ok(())
}
