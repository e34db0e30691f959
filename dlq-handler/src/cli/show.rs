//! `dlq-handler show`: all that is known of one letter.

use super::choose::named;
use crate::{
    as_text::{AsText, hex_dump, line, lines},
    letter::{Death, LetterId, Summary, moment},
    state::Event,
    store::ReadLedger,
    transfer::Moved,
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    message::{Attempt, Message, Record, Topic},
    model::ScrapedPage,
    sql::SqlError,
};

/// Characters of a payload shown without `--body`.
const PAYLOAD_SHOWN: usize = 4096;

/// Which letter, and how much of it.
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The letter, by its id or the first digits of it
    pub id: String,
    /// The whole payload, however long
    #[arg(long)]
    pub body: bool,
    /// The payload in hexadecimal, also where it is text
    #[arg(long)]
    pub hex: bool,
    /// One JSON object, with the whole payload: what `export` writes
    #[arg(long)]
    pub json: bool,
}

/// A letter with all that is known of it.
pub(crate) struct Story {
    pub(crate) summary: Summary,
    pub(crate) deaths: Vec<Death>,
    pub(crate) events: Vec<Event>,
    pub(crate) record: Record,
}

impl Story {
    /// All of one letter; none where there is no such letter.
    pub(crate) async fn load<L: ReadLedger + ?Sized>(
        ledger: &L,
        id: LetterId,
    ) -> Result<Option<Self>, SqlError> {
        let (Some(summary), Some(record)) = (ledger.summary(id).await?, ledger.record(id).await?) else {
            return Ok(None);
        };
        Ok(Some(Self { summary, deaths: ledger.deaths(id).await?, events: ledger.events(id).await?, record }))
    }

    /// Every attempt once: a record carries its history over replays, but not for ever.
    pub(crate) fn attempts(&self) -> Vec<&Attempt> {
        let all = self.deaths.iter().flat_map(|death| &death.history);
        let once: BTreeMap<_, _> =
            all.map(|attempt| ((attempt.at, attempt.worker.as_str()), attempt)).collect();
        once.into_values().collect()
    }
}

impl ShowArgs {
    /// Shows.
    ///
    /// # Errors
    /// When there is no such letter, the ledger can't be asked, or nothing can be written.
    pub async fn run<L: ReadLedger + ?Sized>(&self, ledger: &L, out: &mut dyn Write) -> Result<(), CliError> {
        let ids = named(ledger, std::slice::from_ref(&self.id)).await?;
        let gone = || CliError::new(Exit::NotFound, anyhow::anyhow!("there is no letter {:?}", self.id));
        let id = *ids.first().ok_or_else(gone)?;
        let written = if self.json {
            let letter = Moved::load(ledger, id).await?.ok_or_else(gone)?;
            serde_json::to_writer(&mut *out, &letter).map_err(io::Error::from).and_then(|()| writeln!(out))
        } else {
            self.text(&Story::load(ledger, id).await?.ok_or_else(gone)?, out)
        };
        written.and_then(|()| out.flush()).or_exit(Exit::Output)
    }

    fn text(&self, story: &Story, out: &mut dyn Write) -> io::Result<()> {
        head(&story.summary, out)?;
        for death in &story.deaths {
            death_lines(death, &story.summary.group, out)?;
        }
        writeln!(out, "\nattempts")?;
        for (at, attempt) in (1..).zip(story.attempts()) {
            let Attempt { at: time, took_ms, code, class, error, worker } = attempt;
            let (code, class, worker) = (line(code), line(class), line(worker));
            writeln!(out, "  {at:>3}  {time}  {took_ms} ms  {code} ({class})  {worker}")?;
            writeln!(out, "       {}", line(error))?;
        }
        writeln!(out, "\nhistory")?;
        for Event { at, state, by, remark, .. } in &story.events {
            let remark = remark.as_ref().map_or_else(String::new, |remark| format!(": {}", line(remark)));
            writeln!(out, "  {at}  {state} by {}{remark}", line(by))?;
        }
        let record = &story.record;
        writeln!(out, "\nheaders")?;
        for (name, value) in record.headers.iter() {
            writeln!(out, "  {}: {}", line(name), shown_bytes(value))?;
        }
        if let Some(key) = &record.key {
            writeln!(out, "\nkey       {}", shown_bytes(key))?;
        }
        writeln!(out, "\npayload   {} bytes", record.payload.len())?;
        let payload = if self.hex { hex_dump(&record.payload) } else { payload(record) };
        let cut = payload.char_indices().nth(PAYLOAD_SHOWN).filter(|_| !self.body).map(|(at, _)| at);
        let shown = lines(&payload[..cut.unwrap_or(payload.len())]);
        for text in shown.lines() {
            writeln!(out, "  {text}")?;
        }
        if cut.is_some() {
            writeln!(out, "  ... (--body shows the rest)")?;
        }
        Ok(())
    }
}

fn head(letter: &Summary, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "letter    {}", letter.id)?;
    let (since, by) = (moment(letter.changed_at), line(&letter.changed_by));
    writeln!(out, "state     {}, since {since} by {by}", letter.state)?;
    let kind = letter.kind.as_deref().unwrap_or("no envelope");
    let mut field = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(out, "{name:<9} {}", line(&value)),
        None => Ok(()),
    };
    field("remark", letter.remark.clone())?;
    field("message", Some(format!("{} ({kind})", letter.message)))?;
    field("caused by", letter.causation.map(|message| message.to_string()))?;
    field("trace", letter.trace.clone())?;
    field("crawl", letter.job.map(|job| job.to_string()))?;
    field("url", letter.url.clone())
}

fn death_lines(death: &Death, group: &str, out: &mut dyn Write) -> io::Result<()> {
    let Death { source, service, instance, version, stage, code, class, attempts, .. } = death;
    let mut field = |name: &str, value: &str| writeln!(out, "{name:<9} {}", line(value));
    if death.generation > 0 {
        field("replay", &death.generation.to_string())?;
    }
    let who = format!("{} in {service} {version}, {instance} (group {group}, {stage})", death.failed_at);
    field("died", &who)?;
    let made = death.time.map_or_else(String::new, |time| format!(", made {time}"));
    field("read from", &format!("{}/{} at {}{made}", source.topic, source.partition, source.offset))?;
    field("code", &format!("{code} ({class}), after {attempts} attempts"))?;
    for (depth, cause) in death.causes.iter().enumerate() {
        field(if depth == 0 { "error" } else { "because" }, cause)?;
    }
    Ok(())
}

pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    match AsText::from(bytes) {
        AsText::Text(text) => line(&text),
        AsText::Hex { hex } => format!("0x{hex}"),
    }
}

/// A payload as a person can read it.
pub(crate) fn payload(record: &Record) -> String {
    let pretty = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap_or_default();
    if record.topic == Topic::ScrapedData
        && let Ok(page) = ScrapedPage::decode(record.payload.clone())
    {
        let metadata = serde_json::to_value(&page).map(pretty).unwrap_or_default();
        return format!("{metadata}\n\n{}", String::from_utf8_lossy(&page.body));
    }
    match std::str::from_utf8(&record.payload) {
        Ok(text) => serde_json::from_str(text).map_or_else(|_| text.to_owned(), pretty),
        Err(_) => hex_dump(&record.payload),
    }
}
