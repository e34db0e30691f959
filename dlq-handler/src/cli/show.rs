//! `dlq-handler show`: all that is known of one letter.

use crate::{
    as_text::{AsText, hex_dump, line, lines},
    letter::{Death, Summary, moment},
    store::Ledger,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    message::{Attempt, Message, Record, Topic},
    model::ScrapedPage,
};

/// Characters of a payload shown without `--full`.
const PAYLOAD_SHOWN: usize = 4096;

/// Which letter, and how much of it.
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The letter, by its id or the first digits of it
    pub id: String,
    /// The whole payload, however long
    #[arg(long)]
    pub full: bool,
    /// One JSON object, with the whole payload
    #[arg(long)]
    pub json: bool,
}

/// What `--json` prints. Bytes are strings where they are UTF-8, else `{"hex": "..."}`.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    deaths: &'a [Death],
    key: Option<AsText>,
    headers: Vec<(&'a str, AsText)>,
    payload: AsText,
}

impl ShowArgs {
    /// Shows.
    ///
    /// # Errors
    /// When there is no such letter, the ledger can't be asked, or nothing can be written.
    pub async fn run(&self, ledger: &dyn Ledger, out: &mut dyn Write) -> Result<(), CliError> {
        let ids = super::named(ledger, std::slice::from_ref(&self.id)).await?;
        let gone = || CliError::new(Exit::NotFound, anyhow::anyhow!("there is no letter {:?}", self.id));
        let id = *ids.first().ok_or_else(gone)?;
        let summary = ledger.summary(id).await?.ok_or_else(gone)?;
        let record = ledger.record(id).await?.ok_or_else(gone)?;
        let deaths = ledger.deaths(id).await?;
        let written = if self.json {
            json(&summary, &deaths, &record, out)
        } else {
            self.text(&summary, &deaths, &record, out)
        };
        written.and_then(|()| out.flush()).or_exit(Exit::Output)
    }

    fn text(
        &self,
        letter: &Summary,
        deaths: &[Death],
        record: &Record,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(out, "letter    {}", letter.id)?;
        writeln!(
            out,
            "state     {}, since {} by {}",
            letter.state,
            moment(letter.changed_at),
            line(&letter.changed_by)
        )?;
        let kind = letter.kind.as_deref().unwrap_or("no envelope");
        let mut field = |name: &str, value: &str| writeln!(out, "{name:<9} {}", line(value));
        if let Some(remark) = &letter.remark {
            field("remark", remark)?;
        }
        field("message", &format!("{} ({kind})", letter.message))?;
        if let Some(job) = letter.job {
            field("crawl", &job.to_string())?;
        }
        if let Some(url) = &letter.url {
            field("url", url)?;
        }
        for death in deaths {
            let Death { source, service, version, stage, .. } = death;
            let place = format!("{}/{} at {}", source.topic, source.partition, source.offset);
            field(
                "died",
                &format!(
                    "{} in {service} {version} (group {}, {stage}), read from {place}",
                    death.failed_at, letter.group
                ),
            )?;
            field("code", &format!("{} ({}), after {} attempts", death.code, death.class, death.attempts))?;
            field("error", &death.error)?;
        }
        writeln!(out, "\nattempts")?;
        for (at, attempt) in attempts(deaths).values().enumerate() {
            let Attempt { at: time, took_ms, code, class, error, worker } = attempt;
            writeln!(
                out,
                "  {:>3}  {time}  {took_ms} ms  {} ({})  {}",
                at + 1,
                line(code),
                line(class),
                line(worker)
            )?;
            writeln!(out, "       {}", line(error))?;
        }
        writeln!(out, "\nheaders")?;
        for (name, value) in record.headers.iter() {
            writeln!(out, "  {}: {}", line(name), shown_bytes(value))?;
        }
        if let Some(key) = &record.key {
            writeln!(out, "\nkey       {}", shown_bytes(key))?;
        }
        writeln!(out, "\npayload   {} bytes", record.payload.len())?;
        let payload = payload(record);
        let cut = payload.char_indices().nth(PAYLOAD_SHOWN).filter(|_| !self.full).map(|(at, _)| at);
        let shown = lines(&payload[..cut.unwrap_or(payload.len())]);
        for text in shown.lines() {
            writeln!(out, "  {text}")?;
        }
        if cut.is_some() {
            writeln!(out, "  ... (--full shows the rest)")?;
        }
        Ok(())
    }
}

fn json(summary: &Summary, deaths: &[Death], record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let report = Report {
        summary,
        deaths,
        key: record.key.as_ref().map(|key| AsText::from(&key[..])),
        headers: record.headers.iter().map(|(name, value)| (name, AsText::from(&value[..]))).collect(),
        payload: AsText::from(&record.payload[..]),
    };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}

/// Every attempt once: a record carries its history over replays, but not for ever.
fn attempts(deaths: &[Death]) -> BTreeMap<(jiff::Timestamp, &str), &Attempt> {
    let all = deaths.iter().flat_map(|death| &death.history);
    all.map(|attempt| ((attempt.at, attempt.worker.as_str()), attempt)).collect()
}

fn shown_bytes(bytes: &[u8]) -> String {
    match AsText::from(bytes) {
        AsText::Text(text) => line(&text),
        AsText::Hex { hex } => format!("0x{hex}"),
    }
}

/// A payload as a person can read it.
fn payload(record: &Record) -> String {
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
