//! `dead-letter`: URLs whose task no further attempt can help, and facts that were given up and came through after all.

use crate::{
    frontier::Frontier,
    input::EndedTask,
    state::{End, Evidence},
    text::line,
    touch::Aside,
};
use std::sync::Arc;
use trawl_shared::{
    message::{DeadLetter, Delivery, Input as _, LetterNews, Message, Recovered, Topic},
    model::{CanonicalUrl, FetchTask, JobId, Origin, Outcome, ScrapedPage, TaskEnded},
    runtime::{BatchHandler, Context, Failure},
};

/// Takes dead letters: the URL's state becomes `dead`. A terminal fact that recovered makes it what the fact says.
#[derive(Debug)]
pub struct DeadLetterHandler {
    frontier: Arc<Frontier>,
}

impl DeadLetterHandler {
    /// A handler that tells `frontier`.
    #[must_use]
    pub fn new(frontier: Arc<Frontier>) -> Self {
        Self { frontier }
    }
}

/// A letter about a URL.
struct Death {
    job: JobId,
    url: CanonicalUrl,
    round: Option<u32>,
    end: End,
    history: Option<String>,
}

impl BatchHandler for DeadLetterHandler {
    const NAME: &'static str = "url-manager.dead";
    type In = LetterNews;
    type Out = ();

    /// A letter about a URL that is not of this frontier is nobody's concern here: it stays in the
    /// ledger, and must not become a letter about a letter.
    async fn handle(&self, batch: Vec<(LetterNews, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        let mut deaths: Vec<Death> = Vec::new();
        let mut facts: Vec<EndedTask> = Vec::new();
        for (news, _) in &batch {
            match news {
                LetterNews::Died(letter) => deaths.extend(read(letter)),
                LetterNews::Recovered(recovered) => facts.extend(fact(recovered)),
            }
        }
        let urls: Vec<_> = deaths.iter().map(|death| (death.job, death.url.clone())).collect();
        self.frontier
            .touch_with(
                &urls,
                |at, row| {
                    let death = &deaths[at];
                    death.round.is_none_or(|round| round == row.round) && row.end(death.end.clone())
                },
                |at| Aside { quiet_until: None, history: deaths[at].history.clone() },
            )
            .await?;
        if !facts.is_empty() {
            // Whether they are of this frontier or not: nobody waits for an answer.
            self.frontier.apply(&facts).await?;
        }
        Ok(batch.iter().map(|_| Ok(())).collect())
    }
}

fn read(letter: &DeadLetter) -> Option<Death> {
    let envelope = letter.envelope();
    let reason = &letter.reason;
    let replays = envelope.as_ref().map_or(0, |envelope| envelope.replays);
    // What is read from `parsed-data` is a terminal fact: the letter is about its effect.
    let evidence = match reason.source.topic {
        Topic::ParsedData => Evidence::letter_of_fact(replays),
        _ => Evidence::LETTER,
    };
    let end = End {
        evidence,
        outcome: Outcome::Dead,
        code: line(&reason.code).into(),
        detail: Some(line(&format!("{}: {}", reason.service, reason.message))),
        status: None,
        redirect_to: None,
        failures: Some(reason.attempts),
    };
    let attempts = envelope.as_ref().map(|envelope| &envelope.history).filter(|history| !history.is_empty());
    let history = attempts.and_then(|history| serde_json::to_string(history).ok());
    if let Some(origin) = origin(letter) {
        return Some(Death { job: origin.job, url: origin.url, round: Some(origin.round), end, history });
    }
    // Undecodable: the headers may still say what it was about.
    let envelope = envelope?;
    let url = CanonicalUrl::parse(envelope.subject.as_deref()?).ok()?;
    Some(Death { job: envelope.correlation?, url, round: None, end, history })
}

/// The terminal fact that was told again. What follows from other messages is told by their children.
fn fact(recovered: &Recovered) -> Option<EndedTask> {
    let Recovered { record, envelope, source, at, .. } = recovered;
    if source.topic != Topic::ParsedData {
        return None;
    }
    let delivery = Delivery {
        record: record.clone(),
        partition: source.partition,
        offset: source.offset,
        high_watermark: source.offset,
        timestamp: *at,
    };
    EndedTask::read(&delivery, envelope).ok()
}

fn origin(letter: &DeadLetter) -> Option<Origin> {
    let payload = letter.record.payload.clone();
    match letter.reason.source.topic {
        Topic::ScrapingTasks => FetchTask::decode(payload).ok().map(|task| task.origin),
        Topic::ScrapedData => ScrapedPage::decode(payload).ok().map(|page| page.origin),
        Topic::ParsedData => TaskEnded::decode(payload).ok().map(|ended| ended.origin),
        Topic::Retry | Topic::DeadLetter => None,
    }
}
