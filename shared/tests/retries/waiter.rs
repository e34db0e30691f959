//! A handler that asks for a wait once and notes when it got its message back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use trawl_shared::{
    message::Record,
    model::{CanonicalUrl, FetchTask, JobId, MessageId, Origin},
    runtime::{
        CircuitSettings, Clock, Context, Failure, FailureClass, Handler, RuntimeSettings, encode_root,
    },
};

/// Waits that were over, by message: how long they were, how late the message came, and how often.
#[derive(Default)]
pub(crate) struct Book(Mutex<HashMap<MessageId, Entry>>);

#[derive(Clone, Copy)]
struct Entry {
    delay: Duration,
    late_ms: i64,
    times: u32,
}

/// What the book comes to.
#[derive(Debug)]
#[expect(dead_code, reason = "a failed assertion shows all of it")]
pub(crate) struct Sum {
    pub(crate) messages: usize,
    /// Handled once more than once.
    pub(crate) again: usize,
    pub(crate) early: usize,
    /// Later than a second and than 5 % of the delay.
    pub(crate) too_late: usize,
    pub(crate) worst_ms: i64,
}

impl Book {
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn sum(&self) -> Sum {
        let entries = self.0.lock().unwrap();
        let all = || entries.values();
        let bound = |entry: &Entry| i64::try_from(entry.delay.as_millis() / 20).unwrap().max(1_000);
        Sum {
            messages: entries.len(),
            again: all().filter(|entry| entry.times > 1).count(),
            early: all().filter(|entry| entry.late_ms < 0).count(),
            too_late: all().filter(|entry| entry.late_ms > bound(entry)).count(),
            worst_ms: all().map(|entry| entry.late_ms).max().unwrap_or(0),
        }
    }
}

/// Fails at each message once, with the wait that its URL names.
pub(crate) struct Waiter {
    pub(crate) book: Arc<Book>,
    pub(crate) clock: Clock,
}

impl Handler for Waiter {
    const NAME: &'static str = "waiter";
    type In = FetchTask;
    type Out = ();

    async fn handle(&self, task: FetchTask, context: &Context) -> Result<(), Failure> {
        let path = task.origin.url.as_url().path();
        let delay = Duration::from_millis(path.trim_start_matches('/').parse().unwrap());
        if context.envelope.attempt == 0 {
            let failure = Failure::retry(FailureClass::Throttled, "throttled", anyhow::anyhow!("later"));
            return Err(failure.with_retry_after(Some(delay)));
        }
        let late = self.clock.now().duration_since(context.envelope.not_before.unwrap());
        let late_ms = i64::try_from(late.as_millis()).unwrap();
        let mut book = self.book.0.lock().unwrap();
        let entry = book.entry(context.envelope.id).or_insert(Entry { delay, late_ms, times: 0 });
        entry.times += 1;
        Ok(())
    }
}

/// The message number `n`, which waits that long.
pub(crate) fn task(n: usize, delay: Duration) -> Record {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://h{n}.example/{}", delay.as_millis())).unwrap();
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/test".into()).unwrap()
}

/// Delays from the shortest to the longest: every other one spread evenly, the rest over the orders of magnitude.
pub(crate) fn delays(count: usize, from: Duration, to: Duration) -> Vec<Duration> {
    let mut random = fastrand::Rng::with_seed(7);
    let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
    let delay = |n: usize| {
        let share = random.f64();
        if n.is_multiple_of(2) { from + (to - from) * share } else { from * (to / from).powf(share) }
    };
    (0..count).map(delay).map(Duration::from_secs_f64).collect()
}

/// Everything fails at first, which is no reason to stop.
pub(crate) fn settings(clock: Clock) -> RuntimeSettings {
    let circuit = CircuitSettings { failures: 0, ..CircuitSettings::default() };
    RuntimeSettings { clock, circuit, ..RuntimeSettings::default() }
}
