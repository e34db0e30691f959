//! How a task ended, read for storing: the fields become columns, the links stay the JSON they are.

use crate::page::Page;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use trawl_shared::{
    message::{DecodeError, Delivery, Envelope, Input, Message, Topic, json_text},
    model::{JobId, Outcome, TaskEnded, TaskId},
};

/// A [`TaskEnded`] as the store takes it.
///
/// Building a [`trawl_shared::model::Link`] for each of a page's links, only to write them out again,
/// would cost as much as everything else here. URLs stay the texts they came as, too.
#[derive(Clone, Debug)]
pub struct EndedTask(Option<Box<Page>>);

impl EndedTask {
    /// The row; none where there is nothing to store: the site did not answer (robots, scope, budget), and
    /// only the frontier keeps why.
    #[must_use]
    pub fn into_page(self) -> Option<Page> {
        self.0.map(|page| *page)
    }
}

impl Input for EndedTask {
    const TOPIC: Topic = <TaskEnded as Message>::TOPIC;
    const KIND: &'static str = <TaskEnded as Message>::KIND;

    fn read(delivery: &Delivery, envelope: &Envelope) -> Result<Self, DecodeError> {
        if envelope.kind != Self::KIND {
            return Err(DecodeError::Type {
                found: envelope.kind.clone().into_owned(),
                expected: Self::KIND,
            });
        }
        let error = |reason: String| DecodeError::Payload { kind: Self::KIND, reason };
        let payload = json_text(&delivery.record.payload, Self::KIND)?;
        let ended: Result<Ended, _> = if memchr::memmem::find(payload.as_bytes(), br"\u0000").is_some() {
            serde_json::from_str(payload)
                .and_then(without_nul)
                .and_then(|clean| serde_json::from_slice(&clean))
        } else {
            serde_json::from_str(payload)
        };
        let ended = ended.map_err(|why| error(why.to_string()))?;
        match &ended.page {
            Some(facts) if !facts.links.get().starts_with('[') => {
                Err(error("links are not an array".to_owned()))
            }
            _ => Ok(Self(ended.into_page())),
        }
    }
}

/// PostgreSQL's text can't hold the character NUL and SQLite's functions stop at it. A page that has one
/// means nothing by it: like an HTML parser does, put the replacement character in its place.
fn without_nul(mut value: Value) -> Result<Vec<u8>, serde_json::Error> {
    fn clean(value: &mut Value) {
        match value {
            Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
            Value::Array(values) => values.iter_mut().for_each(clean),
            Value::Object(fields) => fields.values_mut().for_each(clean),
            _ => {}
        }
    }
    clean(&mut value);
    serde_json::to_vec(&value)
}

#[derive(Deserialize)]
struct Ended {
    origin: Origin,
    outcome: Outcome,
    code: String,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    fetched_at: Option<Timestamp>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    body_bytes: u64,
    #[serde(default)]
    redirect_to: Option<String>,
    #[serde(default)]
    content_hash: Option<String>,
    #[serde(default)]
    page: Option<Facts>,
}

#[derive(Deserialize)]
struct Origin {
    job: JobId,
    task: TaskId,
    url: String,
    depth: u32,
    #[serde(default)]
    found_on: Option<String>,
    #[serde(default)]
    round: u32,
    #[serde(default)]
    job_name: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Facts {
    url: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    canonical: Option<String>,
    #[serde(default)]
    meta_robots: Option<String>,
    #[serde(default = "no_links")]
    links: Box<RawValue>,
    #[serde(default)]
    content_hash: Option<String>,
    #[serde(default)]
    simhash: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    markdown: Option<String>,
    #[serde(default)]
    rules: Option<String>,
    #[serde(default)]
    items: Option<Box<RawValue>>,
    #[serde(default)]
    author: Option<Box<RawValue>>,
    #[serde(default)]
    published: Option<Box<RawValue>>,
    #[serde(default)]
    modified: Option<Box<RawValue>>,
    #[serde(default)]
    lang_detected: Option<Box<RawValue>>,
    #[serde(default)]
    meta: Option<Box<RawValue>>,
    #[serde(default)]
    other_links: Option<Box<RawValue>>,
    #[serde(default)]
    feeds: Option<Box<RawValue>>,
    #[serde(default)]
    icons: Option<Box<RawValue>>,
    #[serde(default)]
    json_ld: Option<Box<RawValue>>,
    #[serde(default)]
    json_ld_repaired: Option<Box<RawValue>>,
    #[serde(default)]
    microdata: Option<Box<RawValue>>,
    #[serde(default)]
    rdfa: Option<Box<RawValue>>,
}

fn no_links() -> Box<RawValue> {
    RawValue::from_string("[]".to_owned()).expect("an empty array is JSON")
}

impl Facts {
    /// What goes into one column as one object: few ask for it, and whoever does takes it apart.
    fn structured(&self) -> Option<Box<str>> {
        let fields = [
            ("author", &self.author),
            ("published", &self.published),
            ("modified", &self.modified),
            ("lang_detected", &self.lang_detected),
            ("meta", &self.meta),
            ("other_links", &self.other_links),
            ("feeds", &self.feeds),
            ("icons", &self.icons),
            ("json_ld", &self.json_ld),
            ("json_ld_repaired", &self.json_ld_repaired),
            ("microdata", &self.microdata),
            ("rdfa", &self.rdfa),
        ];
        let mut object = String::new();
        for (name, value) in fields {
            let Some(value) = value else { continue };
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push_str(&format!("\"{name}\":{}", value.get()));
        }
        (!object.is_empty()).then(|| (object + "}").into_boxed_str())
    }
}

impl Ended {
    fn into_page(self) -> Option<Box<Page>> {
        let Self {
            origin,
            outcome,
            code,
            detail,
            status,
            fetched_at,
            content_type,
            body_bytes,
            redirect_to,
            content_hash,
            page,
        } = self;
        if matches!(outcome, Outcome::Excluded | Outcome::Dead) {
            return None;
        }
        let mut row = Page {
            job: origin.job,
            task: origin.task,
            round: origin.round,
            depth: origin.depth,
            final_url: String::new(),
            url: origin.url,
            status,
            outcome,
            code,
            detail,
            found_on: origin.found_on,
            fetched_at: fetched_at.map(Timestamp::as_millisecond),
            content_type,
            body_bytes,
            title: None,
            description: None,
            lang: None,
            canonical: None,
            meta_robots: None,
            body_hash: content_hash,
            content_hash: None,
            simhash: None,
            text: None,
            markdown: None,
            structured: None,
            links: None,
            rules: None,
            items: None,
            job_name: origin.job_name,
        };
        let mut answered = redirect_to;
        if let Some(facts) = page {
            let structured = facts.structured();
            answered.get_or_insert(facts.url);
            row = Page {
                title: facts.title,
                description: facts.description,
                lang: facts.lang,
                canonical: facts.canonical,
                meta_robots: facts.meta_robots,
                content_hash: facts.content_hash,
                simhash: facts.simhash,
                text: facts.text,
                markdown: facts.markdown,
                structured,
                links: Some(facts.links.into()),
                rules: facts.rules,
                items: facts.items.map(Into::into),
                ..row
            };
        }
        row.final_url = answered.unwrap_or_else(|| row.url.clone());
        Some(Box::new(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::{
        message::Record,
        model::{CanonicalUrl, Origin},
        runtime::encode_root,
    };

    fn record() -> Record {
        let url = CanonicalUrl::parse("http://a.example/").unwrap();
        let job = JobId::fresh();
        let origin = Origin::of_seed(job, url);
        encode_root(&TaskEnded::without_page(origin, Outcome::Gone, "http_404"), job, "/test/1".into())
            .unwrap()
    }

    fn read(record: Record) -> Result<EndedTask, DecodeError> {
        let envelope = Envelope::read(&record).unwrap();
        let timestamp = envelope.time;
        EndedTask::read(
            &Delivery { record, partition: 0, offset: 0, high_watermark: 0, timestamp },
            &envelope,
        )
    }

    #[test]
    fn what_is_no_ended_task_is_refused_with_its_reason() {
        assert!(read(record()).unwrap().into_page().is_some());
        let mut other = record();
        other.headers.set("ce_type", "trawl.task-ended.v9");
        assert!(matches!(read(other), Err(DecodeError::Type { .. })));
        for (payload, reason) in [
            (&b"{"[..], "EOF"),
            (br#"{"origin": 1}"#, "invalid type"),
            (br#"{"outcome": "lost"}"#, "unknown variant"),
            (b"\xff\xfe", "invalid utf-8"),
            (br#"{"detail": "\u0000", "outcome": "lost"}"#, "unknown variant"),
        ] {
            let error = read(Record { payload: payload.into(), ..record() }).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let text = String::from_utf8(record().payload.to_vec()).unwrap();
        let odd = text.replacen('{', r#"{"page":{"url":"http://a.example/","links":{"url":1}},"#, 1);
        let error = read(Record { payload: odd.into(), ..record() }).unwrap_err().to_string();
        assert!(error.contains("links are not an array"), "{error}");
    }
}
