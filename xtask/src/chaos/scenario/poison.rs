//! Poison: records that no service of ours would write, on every topic. Each must end in the ledger, once for each group
//! that should have understood it; none may stop what comes after it.

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::books::{Books, Letter};
use crate::chaos::draw::Draw;
use crate::chaos::produce::{Raw, produce};
use crate::chaos::run::Run;
use crate::services::Service;

/// Topic, the type of its messages, and how many groups read it and must each complain.
const TOPICS: [(&str, &str, usize); 3] = [
    ("scraping-tasks", "trawl.fetch-task.v2", 1),
    ("scraped-data", "trawl.scraped-page.v1", 1),
    ("parsed-data", "trawl.task-ended.v2", 2),
];
/// Letters about garbage on `retry`: one of the waiting rooms together, because what it was meant for nobody can say, and
/// one of the frontier's own reader.
const RETRY_LETTERS: usize = 2;
/// Letters about garbage on `dead-letter`: of the ledger and of the frontier.
const DEAD_LETTERS: usize = 2;
/// What marks our records in the ledger where a header can.
const MARK: &str = "poison";

/// What was written, and how many letters must come of it.
#[derive(Default)]
pub(super) struct Poison {
    letters: usize,
}

impl Scenario for Poison {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let broker = run.servers.own.port(Service::Kafka)?;
        if draw.number(0..=5) == 0 {
            let (topic, letters) = *draw.pick(&[("retry", RETRY_LETTERS), ("dead-letter", DEAD_LETTERS)]);
            let record = Raw { value: draw.bytes(300), ..Raw::default() };
            produce(broker, &format!("{}{topic}", run.prefix), 0, &record)?;
            self.letters += letters;
            return Ok(Fault::one(format!("300 bytes of garbage on {topic}")));
        }
        let (topic, kind, readers) = *draw.pick(&TOPICS);
        let (what, record) = poison(kind, topic, draw);
        produce(broker, &format!("{}{topic}", run.prefix), draw.number(0..=3) as i32, &record)?;
        self.letters += readers;
        Ok(Fault::one(format!("{what} on {topic} ({} bytes)", record.value.len())))
    }

    fn pace(&self) -> std::ops::RangeInclusive<u64> {
        200..=1500
    }

    fn is_over(&self, run: &Run<'_>) -> bool {
        run.letters()
            .is_ok_and(|letters| letters.iter().filter(|letter| is_ours(letter)).count() >= self.letters)
    }

    fn check(&mut self, _run: &Run<'_>, books: &mut Books) {
        let found = books.uncaused.iter().filter(|letter| is_ours(letter)).count();
        books.uncaused.retain(|letter| !is_ours(letter));
        if found != self.letters {
            books.surprises.push(format!("{found} letters about poison, not {}", self.letters));
        }
    }
}

/// Whether a letter is about poison: it could not be read, and is about no URL of the web.
fn is_ours(letter: &Letter) -> bool {
    let of_no_page = letter.url.as_ref().is_none_or(|url| url.contains(MARK));
    of_no_page && letter.code == "undecodable"
}

fn poison(kind: &str, topic: &str, draw: &mut Draw) -> (&'static str, Raw) {
    let key = Some(b"h0.synthetic.test".to_vec());
    let headers = envelope(kind, draw);
    match draw.number(0..=8) {
        0 => ("garbage", Raw { value: draw.bytes(200), ..Raw::default() }),
        1 => ("garbage in an envelope", Raw { key, value: draw.bytes(200), headers }),
        2 => {
            let newer = envelope(
                &format!("{}v99", kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'v')),
                draw,
            );
            ("a schema of tomorrow", Raw { key, value: b"{}".to_vec(), headers: newer })
        }
        3 => (
            "no headers",
            Raw { key, value: b"{\"url\":\"http://poison.test/\"}".to_vec(), headers: Vec::new() },
        ),
        4 => {
            // The topic of tasks takes no more than 1 MiB.
            let size = if topic == "scraping-tasks" { 900 << 10 } else { 10 << 20 };
            ("a giant", Raw { key, value: vec![b'['; size], headers })
        }
        5 => {
            let deep = [vec![b'['; 200_000], vec![b']'; 200_000]].concat();
            ("deep JSON", Raw { key, value: deep, headers })
        }
        6 => ("a wrong key", Raw { key: Some(draw.bytes(40)), value: b"{}".to_vec(), headers }),
        7 => ("nothing at all", Raw::default()),
        _ => {
            let hostile = ["ce_source", "traceparent", "ce_history", "ce_attempt"]
                .map(|name| (name.to_owned(), [b"\0\x1b[31m\xff".to_vec(), draw.bytes(20)].concat()));
            (
                "hostile headers",
                Raw { key, value: b"null".to_vec(), headers: [headers, hostile.to_vec()].concat() },
            )
        }
    }
}

/// An envelope as the services write it, about a URL that nobody crawls.
fn envelope(kind: &str, draw: &mut Draw) -> Vec<(String, Vec<u8>)> {
    let id = format!("{:08x}-0000-4000-8000-{:012x}", draw.bits() >> 32, draw.bits() >> 16);
    [
        ("ce_specversion", "1.0"),
        ("ce_id", &id),
        ("ce_type", kind),
        ("ce_source", "/chaos"),
        ("ce_time", "2026-01-01T00:00:00Z"),
        ("ce_subject", "http://poison.test/"),
        ("content-type", "application/json"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec()
}
