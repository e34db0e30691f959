//! What Prometheus is told of the ledger. Labels are bounded: codes are few, and those beyond the most frequent are one.

use crate::{
    filter::{Field, Filter},
    letter::moment,
    state::State,
    store::{Ledger, Query},
};
use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use trawl_shared::{sql::SqlError, telemetry::Metrics};

/// How often the ledger is counted.
const EVERY: Duration = Duration::from_secs(15);
/// Codes that have a label of their own.
const CODES: usize = 50;
/// The label of all other codes.
const OTHERS: &str = "other";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfCode {
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

/// The gauges, registered once.
struct Gauges {
    letters: Family<OfState, Gauge>,
    open: Family<OfCode, Gauge>,
    oldest: Gauge,
    replays: Family<OfOutcome, Gauge>,
}

impl Gauges {
    fn register(metrics: &Metrics) -> Self {
        let gauges = Self {
            letters: Family::default(),
            open: Family::default(),
            oldest: Gauge::default(),
            replays: Family::default(),
        };
        metrics.register(|registry| {
            registry.register("dead_letters", "Letters in the ledger, by state", gauges.letters.clone());
            registry.register("dead_letters_open", "Open letters, by code", gauges.open.clone());
            registry.register(
                "dead_letters_oldest_open_seconds",
                "Time since the oldest open letter died; 0 where none is open",
                gauges.oldest.clone(),
            );
            registry.register(
                "dead_letters_replays",
                "Replays of which is known what came of them, by outcome, since the ledger began",
                gauges.replays.clone(),
            );
        });
        gauges
    }

    async fn count(&self, ledger: &dyn Ledger) -> Result<(), SqlError> {
        let field = |name| Field::named(name).expect("there is a field of this name");
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let states = ledger.counts(None).await?;
        for state in State::ALL.map(State::as_str) {
            let letters = states.get(state).copied().unwrap_or(0);
            self.letters.get_or_create(&OfState { state }).set(whole(letters));
        }
        let open = Filter::all().with("state", "open");
        let groups = ledger.groups(&open, &[field("code")], CODES).await?;
        let rest = ledger.count(&open).await?.saturating_sub(groups.iter().map(|group| group.letters).sum());
        // A code whose last letter was closed has no line any more.
        self.open.clear();
        for group in groups {
            let code = group.key.into_iter().next().flatten().unwrap_or_default();
            self.open.get_or_create(&OfCode { code }).set(whole(group.letters));
        }
        if rest > 0 {
            self.open.get_or_create(&OfCode { code: OTHERS.to_owned() }).inc_by(whole(rest));
        }
        let oldest = ledger.list(&Query { descending: false, ..Query::new(open, 1) }).await?;
        let age = oldest
            .first()
            .map_or(0, |letter| Timestamp::now().duration_since(moment(letter.died_at)).as_secs());
        self.oldest.set(age.max(0));
        let (resolved, back) = ledger.replayed().await?;
        self.replays.get_or_create(&OfOutcome { outcome: "resolved" }).set(whole(resolved));
        self.replays.get_or_create(&OfOutcome { outcome: "dead_again" }).set(whole(back));
        Ok(())
    }
}

/// Counts the ledger now and then, until `shutdown`. While it can't be asked, the last figures stand.
pub(crate) async fn keep(ledger: Arc<dyn Ledger>, metrics: Metrics, shutdown: CancellationToken) {
    let gauges = Gauges::register(&metrics);
    loop {
        if let Err(error) = gauges.count(&*ledger).await {
            tracing::warn!("the ledger can't be counted: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;
    use trawl_shared::sql::{DatabaseUrl, Missing};

    #[tokio::test]
    async fn an_empty_ledger_has_its_figures_too() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = store::open(&DatabaseUrl::sqlite(folder.path()), Missing::Create).await.unwrap();
        let metrics = Metrics::default();
        Gauges::register(&metrics).count(&*ledger).await.unwrap();
        let text = metrics.render();
        for line in [
            "trawl_dead_letters{state=\"open\"} 0",
            "trawl_dead_letters_oldest_open_seconds 0",
            "trawl_dead_letters_replays{outcome=\"dead_again\"} 0",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
