//! `retry`: tasks that wait for another attempt keep their lease, and hosts that ask for fewer requests their rest.

use crate::{frontier::Frontier, text::line, touch::Aside};
use std::{collections::HashMap, sync::Arc};
use trawl_shared::{
    message::RetryNotice,
    model::{CanonicalUrl, JobId, code},
    runtime::{BatchHandler, Context, Failure},
};

/// Watches the retry lane: a task that waits there is not lost, and its lease must not end before
/// its next attempt had its time. What the last attempt died of is kept for `explain`. A host that throttled it
/// gets no slot before that next attempt, over a restart of anything.
#[derive(Debug)]
pub struct RetryWatch {
    frontier: Arc<Frontier>,
}

impl RetryWatch {
    /// A handler that tells `frontier`.
    #[must_use]
    pub fn new(frontier: Arc<Frontier>) -> Self {
        Self { frontier }
    }
}

/// What one notice says.
#[derive(Clone)]
struct Wait {
    due: i64,
    lease_until: i64,
    failures: u32,
    code: String,
    error: String,
    history: Option<String>,
}

impl BatchHandler for RetryWatch {
    const NAME: &'static str = "url-manager.waiting";
    type In = RetryNotice;
    type Out = ();

    async fn handle(&self, batch: Vec<(RetryNotice, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        let lease = i64::try_from(self.frontier.settings.lease_ms).unwrap_or(i64::MAX);
        // A message may hop through the lane; its latest notice says all.
        let mut last: HashMap<(JobId, CanonicalUrl), Wait> = HashMap::new();
        for (RetryNotice { envelope }, _) in &batch {
            let url = envelope.subject.as_deref().and_then(|url| CanonicalUrl::parse(url).ok());
            let (Some(job), Some(url)) = (envelope.correlation, url) else { continue };
            let due = envelope.not_before.unwrap_or(envelope.time).as_millisecond();
            let attempt = envelope.history.last();
            let wait = Wait {
                due,
                lease_until: due.saturating_add(lease),
                failures: envelope.attempt,
                code: attempt.map_or_else(String::new, |attempt| attempt.code.clone()),
                error: attempt.map_or_else(String::new, |attempt| line(&attempt.error)),
                history: serde_json::to_string(&envelope.history).ok(),
            };
            let known = last.entry((job, url)).or_insert_with(|| Wait { lease_until: 0, ..wait.clone() });
            if (known.failures, known.lease_until) < (wait.failures, wait.lease_until) {
                *known = wait;
            }
        }
        let (urls, waits): (Vec<_>, Vec<_>) = last.into_iter().unzip();
        self.frontier
            .touch_with(
                &urls,
                |at, row| {
                    let Wait { lease_until, failures, code, error, .. } = &waits[at];
                    row.wait(*lease_until, *failures, code, error)
                },
                |at| Aside {
                    quiet_until: (waits[at].code == code::THROTTLED).then_some(waits[at].due),
                    history: waits[at].history.clone(),
                },
            )
            .await?;
        Ok(batch.iter().map(|_| Ok(())).collect())
    }
}
