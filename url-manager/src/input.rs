//! How a task ended, read for the frontier: the links stay where they are in the record.

use bytes::Bytes;
use jiff::Timestamp;
use memchr::memchr;
use serde::Deserialize;
use std::{borrow::Cow, net::IpAddr};
use trawl_shared::{
    message::{DecodeError, Delivery, Envelope, Input, Message, Topic, json_text},
    model::{LinkKind, Origin, Outcome, TaskEnded, Validators},
};

/// A [`TaskEnded`] as the frontier takes it.
///
/// Of a page's hundred links nearly all are known already. Building a [`trawl_shared::model::Link`] for
/// each, with its anchor text, would cost more than finding that out.
#[derive(Clone, Debug)]
pub struct EndedTask {
    pub(crate) origin: Origin,
    pub(crate) replays: u32,
    pub(crate) outcome: Outcome,
    pub(crate) code: String,
    pub(crate) detail: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) redirect_to: Option<String>,
    pub(crate) crawl_delay_ms: Option<u64>,
    pub(crate) fetched_at: Option<Timestamp>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) validators: Option<Validators>,
    pub(crate) content_hash: Option<String>,
    pub(crate) follow: bool,
    pub(crate) body_bytes: u64,
    pub(crate) links: Links,
}

/// The links of a page that a crawl follows, without their fragments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    payload: Bytes,
    links: Vec<Place>,
}

/// A link as it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundLink<'a> {
    /// The bytes of its URL's text.
    pub(crate) url: &'a [u8],
    /// Whether it asks not to be followed.
    pub(crate) nofollow: bool,
    /// How much sooner than its like it is to be fetched.
    pub(crate) priority: i16,
}

#[derive(Clone, Debug)]
struct Place {
    url: Text,
    nofollow: bool,
    priority: i16,
}

/// A text in the payload, or one that had to be unescaped.
#[derive(Clone, Debug)]
enum Text {
    At { start: u32, length: u32 },
    Own(Box<str>),
}

impl Links {
    /// The links, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = FoundLink<'_>> {
        self.links.iter().map(|link| {
            let url = match &link.url {
                Text::Own(text) => text.as_bytes(),
                Text::At { start, length } => &self.payload[*start as usize..][..*length as usize],
            };
            FoundLink { url, nofollow: link.nofollow, priority: link.priority }
        })
    }

    /// Links from nowhere.
    #[cfg(test)]
    pub(crate) fn of(links: &[(&str, bool)]) -> Self {
        let link = |(url, nofollow): &(&str, bool)| Place {
            url: Text::Own((*url).into()),
            nofollow: *nofollow,
            priority: 0,
        };
        Self { payload: Bytes::new(), links: links.iter().map(link).collect() }
    }

    fn new(payload: &Bytes, views: &[LinkView<'_>]) -> Self {
        let followed = views.iter().filter(|view| view.follow.unwrap_or_else(|| view.kind.is_navigational()));
        let found = followed.map(|view| {
            let text = &view.url[..memchr(b'#', view.url.as_bytes()).unwrap_or(view.url.len())];
            let own = || Text::Own(text.into());
            let url = if matches!(view.url, Cow::Borrowed(_)) {
                place(payload, text).unwrap_or_else(own)
            } else {
                own()
            };
            // Beyond what a small number holds there is only "first" and "last".
            let priority = view.priority.unwrap_or(0).clamp(i16::MIN.into(), i16::MAX.into());
            let priority = i16::try_from(priority).unwrap_or_default();
            Place { url, nofollow: view.rel.as_deref().is_some_and(is_nofollow), priority }
        });
        Self { payload: payload.clone(), links: found.collect() }
    }
}

/// Where in the payload a text stands that was borrowed from it.
fn place(payload: &Bytes, text: &str) -> Option<Text> {
    let start = text.as_ptr().addr().checked_sub(payload.as_ptr().addr())?;
    Some(Text::At { start: start.try_into().ok()?, length: text.len().try_into().ok()? })
}

fn is_nofollow(rel: &str) -> bool {
    rel.split_ascii_whitespace().any(|token| token.eq_ignore_ascii_case("nofollow"))
}

#[derive(Deserialize)]
struct View<'a> {
    origin: Origin,
    outcome: Outcome,
    code: String,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    redirect_to: Option<String>,
    #[serde(default)]
    crawl_delay_ms: Option<u64>,
    #[serde(default)]
    fetched_at: Option<Timestamp>,
    #[serde(default)]
    address: Option<IpAddr>,
    #[serde(default)]
    validators: Option<Validators>,
    #[serde(default)]
    content_hash: Option<String>,
    #[serde(default = "yes")]
    follow: bool,
    #[serde(default)]
    body_bytes: u64,
    #[serde(default, borrow)]
    page: Option<PageView<'a>>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct PageView<'a> {
    #[serde(default, borrow)]
    links: Vec<LinkView<'a>>,
}

#[derive(Deserialize)]
struct LinkView<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(default)]
    rel: Option<String>,
    kind: LinkKind,
    #[serde(default)]
    follow: Option<bool>,
    #[serde(default)]
    priority: Option<i32>,
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
        let payload = &delivery.record.payload;
        let view: View<'_> = serde_json::from_str(json_text(payload, Self::KIND)?)
            .map_err(|error| DecodeError::Payload { kind: Self::KIND, reason: error.to_string() })?;
        Ok(Self {
            origin: view.origin,
            replays: envelope.replays,
            outcome: view.outcome,
            code: view.code,
            detail: view.detail,
            status: view.status,
            redirect_to: view.redirect_to,
            crawl_delay_ms: view.crawl_delay_ms,
            fetched_at: view.fetched_at,
            address: view.address,
            validators: view.validators,
            content_hash: view.content_hash,
            follow: view.follow,
            body_bytes: view.body_bytes,
            links: view.page.map_or_else(Links::default, |page| Links::new(payload, &page.links)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::{
        message::Record,
        model::{CanonicalUrl, JobId, Link, ParsedPage},
        runtime::encode_root,
    };

    fn ended() -> TaskEnded {
        let url = CanonicalUrl::parse("http://a.example/").unwrap();
        let job = JobId::fresh();
        let origin = Origin::of_seed(job, url);
        TaskEnded::without_page(origin, Outcome::Stored, "ok")
    }

    fn read(record: Record) -> Result<EndedTask, DecodeError> {
        let envelope = Envelope::read(&record).unwrap();
        let timestamp = envelope.time;
        EndedTask::read(
            &Delivery { record, partition: 0, offset: 0, high_watermark: 0, timestamp },
            &envelope,
        )
    }

    fn record(ended: &TaskEnded) -> Record {
        encode_root(ended, ended.origin.job, "/test/1".into()).unwrap()
    }

    #[test]
    fn links_are_read_where_they_are() {
        let link = |url: &str, kind, rel: Option<&str>| Link {
            url: url.to_owned(),
            raw: String::new(),
            text: "a \"text\"".to_owned(),
            rel: rel.map(str::to_owned),
            kind,
            ..Link::default()
        };
        let links = vec![
            link("http://a.example/plain#part", LinkKind::A, None),
            link("http://a.example/\"quoted\"", LinkKind::Area, Some("ugc NoFollow")),
            link("http://a.example/style", LinkKind::Link, None),
            Link { follow: Some(false), ..link("http://a.example/frame", LinkKind::Frame, None) },
            Link {
                follow: Some(true),
                priority: Some(100_000),
                ..link("http://a.example/image", LinkKind::Img, None)
            },
        ];
        let page = ParsedPage { links, ..ParsedPage::default() };
        let ended = TaskEnded { page: Some(Box::new(page)), ..ended() };
        let read = read(record(&ended)).unwrap();
        let expected: [(&[u8], bool, i16); 3] = [
            (b"http://a.example/plain", false, 0),
            (b"http://a.example/\"quoted\"", true, 0),
            (b"http://a.example/image", false, i16::MAX),
        ];
        let found = read.links.iter().map(|link| (link.url, link.nofollow, link.priority));
        assert_eq!(found.collect::<Vec<_>>(), expected);
        assert!(matches!(read.links.links[0].url, Text::At { .. }));
        assert_eq!(read.origin, ended.origin);
    }

    #[test]
    fn what_is_no_ended_task_is_refused_with_its_reason() {
        let good = record(&ended());
        let mut other = good.clone();
        other.headers.set("ce_type", "trawl.task-ended.v9");
        assert!(matches!(read(other), Err(DecodeError::Type { .. })));
        let broken = read(Record { payload: Bytes::from_static(b"{\"origin\": 1}"), ..good }).unwrap_err();
        assert!(broken.to_string().contains("invalid type"), "{broken}");
    }
}
