//! A record as people and programs read it. What strangers wrote is escaped before a terminal sees it.

use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use trawl_dlq_handler::as_text::line;
use trawl_shared::{
    message::{DeadLetter, Delivery, Envelope, LetterReason, Message as _, Topic},
    model::ScrapedPage,
};

/// A record, and what could be read of it.
pub(super) struct Seen {
    pub(super) delivery: Delivery,
    pub(super) envelope: Option<Envelope>,
    pub(super) letter: Option<LetterReason>,
}

impl Seen {
    pub(super) fn new(delivery: Delivery) -> Self {
        let envelope = Envelope::read(&delivery.record).ok();
        let is_letter = delivery.record.topic == Topic::DeadLetter;
        let letter = is_letter.then(|| DeadLetter::from_record(&delivery.record).ok()).flatten();
        Self { delivery, envelope, letter: letter.map(|letter| letter.reason) }
    }

    /// One JSON object: place, envelope, every header, payload.
    pub(super) fn json(&self) -> Value {
        let Delivery { record, partition, offset, timestamp, .. } = &self.delivery;
        let mut headers = Map::new();
        for (name, value) in record.headers.iter() {
            headers.insert(name.to_owned(), text_or_hex(value));
        }
        let mut shown = json!({
            "topic": record.topic,
            "partition": partition,
            "offset": offset,
            "timestamp": timestamp,
            "key": record.key.as_deref().map(text_or_hex),
            "headers": headers,
            "payload": self.payload(),
        });
        if let Some(envelope) = &self.envelope {
            shown["id"] = json!(envelope.id);
            shown["type"] = json!(envelope.kind);
            shown["url"] = json!(envelope.subject);
            shown["crawl"] = json!(envelope.correlation);
            shown["trace"] = json!(format!("{:032x}", envelope.trace.trace_id));
            shown["attempt"] = json!(envelope.attempt);
            shown["history"] = json!(envelope.history);
        }
        if let Some(letter) = &self.letter {
            shown["letter"] = json!(letter);
        }
        shown
    }

    /// Some lines: where it is, its envelope, and up to `most` characters of its payload.
    pub(super) fn text(&self, most: usize) -> String {
        let Delivery { record, partition, offset, timestamp, .. } = &self.delivery;
        let key =
            record.key.as_deref().map_or_else(|| "-".to_owned(), |key| line(&String::from_utf8_lossy(key)));
        let mut text = format!(
            "{}/{partition}@{offset}  {timestamp}  {} bytes  key {key}\n",
            record.topic,
            record.payload.len()
        );
        // Writing to a String can't fail.
        match &self.envelope {
            Some(envelope) => {
                let crawl = envelope.correlation.map_or_else(|| "-".to_owned(), |crawl| crawl.to_string());
                let url = envelope.subject.as_deref().unwrap_or("-");
                let _ = writeln!(text, "  url     {}", line(url));
                let _ = writeln!(text, "  message {} {}", envelope.id, line(&envelope.kind));
                let _ = writeln!(text, "  crawl   {crawl}  trace {:032x}", envelope.trace.trace_id);
                for attempt in &envelope.history {
                    let _ = writeln!(
                        text,
                        "  attempt {} {}: {}",
                        attempt.at,
                        line(&attempt.code),
                        line(&attempt.error)
                    );
                }
                if let (Some(target), Some(due)) = (&envelope.target, envelope.not_before) {
                    let _ = writeln!(text, "  waits   for {} until {due}", line(target));
                }
            }
            None => {
                let _ = writeln!(text, "  no envelope: some of its headers are missing or can't be read");
            }
        }
        if let Some(letter) = &self.letter {
            let _ = writeln!(
                text,
                "  dead    in {} at {}: {}: {}",
                line(&letter.group),
                letter.failed_at,
                line(&letter.code),
                line(&letter.message)
            );
        }
        let payload = match self.payload() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let mut shown: String = payload.chars().take(most).collect();
        if shown.len() < payload.len() {
            shown.push('…');
        }
        let _ = writeln!(text, "  {}", line(&shown));
        text
    }

    fn payload(&self) -> Value {
        let payload = &self.delivery.record.payload;
        let is_page = self.envelope.as_ref().is_some_and(|envelope| envelope.kind == ScrapedPage::KIND);
        if is_page && let Ok(page) = ScrapedPage::decode(payload.clone()) {
            let mut shown = serde_json::to_value(&page).unwrap_or_default();
            shown["body"] = text_or_hex(&page.body);
            return shown;
        }
        serde_json::from_slice(payload).unwrap_or_else(|_| text_or_hex(payload))
    }
}

/// A text where the bytes are one, else `{"hex": "..."}`.
fn text_or_hex(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}
