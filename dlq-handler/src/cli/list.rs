//! `dlq-handler list`: letters, or how many have what in common; for people a table, for programs JSON or CSV.

use super::{WhereArgs, table};
use crate::{
    as_text::line,
    filter::Field,
    letter::{Summary, moment},
    store::{Group, Query, ReadLedger},
};
use std::io::{self, Write};
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// Which letters, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Which.
    #[command(flatten)]
    pub conditions: WhereArgs,
    /// Count them by what they have in common instead, such as code,host,service
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = groupable)]
    pub group_by: Vec<Field>,
    /// By which field they are sorted; -FIELD puts the greatest first
    #[arg(long, value_name = "FIELD", default_value = "-died", value_parser = sort, allow_hyphen_values = true)]
    pub sort: (Field, bool),
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
    /// How they are written; a table on a terminal, CSV elsewhere
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

/// How letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people, with short ids
    Table,
    /// One object a line
    Json,
    /// With a header line, and control characters escaped
    Csv,
}

/// A field that letters may be counted by.
pub(crate) fn groupable(name: &str) -> Result<Field, String> {
    let known: Vec<_> = Field::of_groups().collect();
    known.iter().copied().find(|field| field.name == name).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|field| field.name).collect();
        format!("letters can be counted by {}", names.join(", "))
    })
}

/// A field to sort by, and whether the greatest comes first.
pub(crate) fn sort(text: &str) -> Result<(Field, bool), String> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let names = || Field::ALL.map(|field| field.name).join(", ");
    Ok((Field::named(name).ok_or_else(|| format!("letters can be sorted by {}", names()))?, descending))
}

impl ListArgs {
    /// Lists; `is_terminal` says whether people look on.
    ///
    /// # Errors
    /// When the ledger can't be asked, or the list can't be written.
    pub async fn run<L: ReadLedger + ?Sized>(
        &self,
        ledger: &L,
        is_terminal: bool,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let format = match self.format {
            Some(format) => format,
            None if self.json => Format::Json,
            None if is_terminal => Format::Table,
            None => Format::Csv,
        };
        let filter = self.conditions.filter();
        let (count, written) = if self.group_by.is_empty() {
            let (sort, descending) = self.sort;
            let letters = ledger.list(&Query { sort, descending, ..Query::new(filter, self.limit) }).await?;
            let written = match format {
                Format::Table => letters_table(&letters, is_terminal, out),
                Format::Json => objects(&letters, out),
                Format::Csv => letters_csv(&letters, out),
            };
            (letters.len(), written)
        } else {
            let groups = ledger.groups(&filter, &self.group_by, self.limit).await?;
            let written = match format {
                Format::Table => groups_table(&self.group_by, &groups, is_terminal, out),
                Format::Json => group_objects(&self.group_by, &groups, out),
                Format::Csv => groups_csv(&self.group_by, &groups, out),
            };
            (groups.len(), written)
        };
        written.and_then(|()| out.flush()).or_exit(Exit::Output)?;
        if count == self.limit {
            eprintln!("the first {count}; --limit shows more");
        }
        Ok(())
    }
}

fn objects(letters: &[Summary], out: &mut dyn Write) -> io::Result<()> {
    for letter in letters {
        serde_json::to_writer(&mut *out, letter)?;
        writeln!(out)?;
    }
    Ok(())
}

fn letters_csv(letters: &[Summary], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "id", "state", "died_at", "attempts", "replays", "service", "code", "class", "host", "topic", "url",
        "error",
    ])?;
    for letter in letters {
        let or_empty = |text: &Option<String>| line(text.as_deref().unwrap_or_default());
        csv.write_record([
            letter.id.to_string(),
            letter.state.to_string(),
            moment(letter.died_at).to_string(),
            letter.attempts.to_string(),
            letter.generation.to_string(),
            line(&letter.service),
            line(&letter.code),
            line(&letter.class),
            or_empty(&letter.host),
            line(&letter.topic),
            or_empty(&letter.url),
            line(&letter.error),
        ])?;
    }
    csv.flush()
}

fn letters_table(letters: &[Summary], colours: bool, out: &mut dyn Write) -> io::Result<()> {
    if letters.is_empty() {
        return writeln!(out, "no letters");
    }
    let row = |letter: &Summary| {
        vec![
            letter.id.short(),
            table::state(letter.state, colours),
            moment(letter.died_at).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            letter.attempts.to_string(),
            table::cell(&letter.service),
            table::cell(&letter.code),
            table::cell(letter.url.as_deref().unwrap_or(&letter.error)),
        ]
    };
    let heads = ["ID", "STATE", "DIED (UTC)", ">TRIES", "SERVICE", "CODE", "ABOUT"];
    table::write(&heads, &letters.iter().map(row).collect::<Vec<_>>(), out)
}

fn heads(by: &[Field]) -> Vec<&'static str> {
    by.iter().map(|field| field.name).collect()
}

fn groups_table(by: &[Field], groups: &[Group], colours: bool, out: &mut dyn Write) -> io::Result<()> {
    if groups.is_empty() {
        return writeln!(out, "no letters");
    }
    let time = |time: jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let row = |group: &Group| {
        let mut cells = vec![group.letters.to_string(), time(group.oldest), time(group.newest)];
        for (field, key) in by.iter().zip(&group.key) {
            let key = key.as_deref().unwrap_or("-");
            cells.push(match key.parse() {
                Ok(state) if field.name == "state" => table::state(state, colours),
                _ => table::cell(key),
            });
        }
        cells
    };
    let names: Vec<String> = by.iter().map(|field| field.name.to_uppercase()).collect();
    let mut heads = vec![">LETTERS", "OLDEST (UTC)", "NEWEST (UTC)"];
    heads.extend(names.iter().map(String::as_str));
    table::write(&heads, &groups.iter().map(row).collect::<Vec<_>>(), out)
}

fn group_objects(by: &[Field], groups: &[Group], out: &mut dyn Write) -> io::Result<()> {
    for group in groups {
        writeln!(out, "{}", group_object(by, group))?;
    }
    Ok(())
}

/// A group with its values by name.
pub(crate) fn group_object(by: &[Field], group: &Group) -> serde_json::Value {
    let key = by.iter().zip(&group.key).map(|(field, key)| (field.name.to_owned(), serde_json::json!(key)));
    let mut object: serde_json::Map<_, _> = key.collect();
    object.insert("letters".to_owned(), group.letters.into());
    object.insert("oldest".to_owned(), group.oldest.to_string().into());
    object.insert("newest".to_owned(), group.newest.to_string().into());
    object.into()
}

fn groups_csv(by: &[Field], groups: &[Group], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(heads(by).into_iter().chain(["letters", "oldest", "newest"]))?;
    for group in groups {
        let key = group.key.iter().map(|key| line(key.as_deref().unwrap_or_default()));
        let rest = [group.letters.to_string(), group.oldest.to_string(), group.newest.to_string()];
        csv.write_record(key.chain(rest))?;
    }
    csv.flush()
}
