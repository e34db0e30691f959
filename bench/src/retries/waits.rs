//! Messages that fail once and ask for a wait, and the book of how late they came back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use humantime::format_duration;
use trawl_shared::message::Record;
use trawl_shared::model::{CanonicalUrl, FetchTask, JobId, MessageId, Origin};
use trawl_shared::runtime::{Clock, Context, Failure, FailureClass, Handler, encode_root};
use trawl_shared::telemetry::Metrics;

use crate::gauge::Spent;

/// Waits that were over, by message: how long they were and how late the message came, in milliseconds.
#[derive(Default)]
pub(super) struct Book(Mutex<HashMap<MessageId, (Duration, i64)>>);

impl Book {
    #[cfg(feature = "kafka")]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// One line of the table. Too late is what came a second and 5 % of its delay after its time.
    pub(super) fn print(&self, broker: &str, messages: u32, longest: Duration, held: usize, spent: Spent) {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let early = book.values().filter(|(_, late)| *late < 0).count();
        let bound = |delay: Duration| i64::try_from(delay.as_millis() / 20).unwrap_or(i64::MAX).max(1_000);
        let too_late = book.values().filter(|(delay, late)| *late > bound(*delay)).count();
        let mut late: Vec<i64> = book.values().map(|(_, late)| *late).collect();
        late.sort_unstable();
        let at = |percent: usize| {
            late.get((late.len() * percent / 100).min(late.len().saturating_sub(1))).unwrap_or(&0)
        };
        let lost = messages as usize - book.len();
        println!(
            "{broker:<14} {messages:>9}  {:<11} {lost:>5} {early:>6} {too_late:>9} {:>6} ms {:>6} ms {:>4} ms {:>6.1} MiB {:>7.1} {:>15.0}",
            format!("1s to {}", format_duration(longest)),
            at(50),
            at(99),
            at(100),
            mebibytes(held),
            spent.wall_s,
            spent.cpu_s * 1e6 / f64::from(messages),
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "a table shows one digit")]
fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Fails at each message once, with the wait that its URL names.
pub(super) struct Waiter {
    pub(super) book: Arc<Book>,
    pub(super) clock: Clock,
}

impl Handler for Waiter {
    const NAME: &'static str = "waiter";
    type In = FetchTask;
    type Out = ();

    async fn handle(&self, task: FetchTask, context: &Context) -> Result<(), Failure> {
        let unreadable =
            || Failure::reject(FailureClass::Message, "no_delay", anyhow::anyhow!("it names no delay"));
        let path = task.origin.url.as_url().path();
        let delay =
            path.trim_start_matches('/').parse().map(Duration::from_millis).map_err(|_| unreadable())?;
        if context.envelope.attempt == 0 {
            let failure = Failure::retry(FailureClass::Throttled, "throttled", anyhow::anyhow!("later"));
            return Err(failure.with_retry_after(Some(delay)));
        }
        let due = context.envelope.not_before.ok_or_else(unreadable)?;
        let late = i64::try_from(self.clock.now().duration_since(due).as_millis()).unwrap_or(i64::MAX);
        let mut book = self.book.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.entry(context.envelope.id).or_insert((delay, late));
        Ok(())
    }
}

/// The message number `n`, which waits that long.
pub(super) fn task(n: usize, delay: Duration) -> anyhow::Result<Record> {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://h{n}.example/{}", delay.as_millis()))?;
    let task = FetchTask::new(Origin::of_seed(job, url));
    Ok(encode_root(&task, job, "/bench".into())?)
}

/// Delays between two bounds: every other one spread evenly, the rest over the orders of magnitude.
pub(super) fn delays(count: u32, from: Duration, to: Duration) -> impl Iterator<Item = Duration> {
    let mut random = fastrand::Rng::with_seed(7);
    let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
    (0..count).map(move |n| {
        let share = random.f64();
        let seconds = if n % 2 == 0 { from + (to - from) * share } else { from * (to / from).powf(share) };
        Duration::from_secs_f64(seconds)
    })
}

/// Bytes of records that wait in memory, as the service tells its operator.
pub(super) fn held(metrics: &Metrics) -> usize {
    let text = metrics.render();
    let line =
        text.lines().find(|line| line.starts_with("trawl_retry_held_bytes{") && line.contains(".retry\""));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}
