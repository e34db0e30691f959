//! What Prometheus is told of the ledger. Labels are bounded: codes are few, and those beyond the most frequent are one.

use crate::{
    filter::{Field, Filter},
    letter::moment,
    state::State,
    store::{Ledger, Query},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    sql::SqlError,
    telemetry::{Gauges, Instrument, catalog},
};

/// How often the ledger is counted.
const EVERY: Duration = Duration::from_secs(15);
/// Codes that have a label of their own.
const CODES: usize = 50;
/// The label of all other codes.
const OTHERS: &str = "other";

/// What is told of a ledger; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    letters: Gauges,
    open: Gauges,
    oldest: Gauges,
    replays: Gauges,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            letters: Gauges::new(&catalog::LETTERS),
            open: Gauges::new(&catalog::LETTERS_OPEN),
            oldest: Gauges::new(&catalog::LETTERS_OLDEST),
            replays: Gauges::new(&catalog::LETTERS_REPLAYS),
        }
    }
}

impl Meters {
    pub(crate) fn instruments(&self) -> [&dyn Instrument; 4] {
        let Self { letters, open, oldest, replays } = self;
        [letters, open, oldest, replays]
    }

    /// Counts the ledger now and then, until `shutdown`. While it can't be asked, the last figures stand.
    pub(crate) async fn keep(&self, ledger: &dyn Ledger, shutdown: CancellationToken) {
        let mut shown = BTreeSet::new();
        loop {
            if let Err(error) = self.count(ledger, &mut shown).await {
                tracing::warn!("the ledger can't be counted: {error}");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Counts it once. `shown` are the codes that have a gauge.
    async fn count(&self, ledger: &dyn Ledger, shown: &mut BTreeSet<String>) -> Result<(), SqlError> {
        let field = |name| Field::named(name).expect("there is a field of this name");
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let states = ledger.counts(None).await?;
        for state in State::ALL.map(State::as_str) {
            self.letters.of(&[state]).set(whole(states.get(state).copied().unwrap_or(0)));
        }
        let open = Filter::all().with("state", "open");
        let groups = ledger.groups(&open, &[field("code")], CODES).await?;
        let rest = ledger.count(&open).await?.saturating_sub(groups.iter().map(|group| group.letters).sum());
        let of_code = groups
            .into_iter()
            .map(|group| (group.key.into_iter().next().flatten().unwrap_or_default(), group.letters));
        let mut codes: BTreeMap<String, u64> = of_code.collect();
        if rest > 0 {
            *codes.entry(OTHERS.to_owned()).or_default() += rest;
        }
        // A code whose last letter was closed has no line any more.
        shown.iter().filter(|code| !codes.contains_key(*code)).for_each(|code| self.open.forget(&[code]));
        for (code, letters) in &codes {
            self.open.of(&[code]).set(whole(*letters));
        }
        *shown = codes.into_keys().collect();
        let oldest = ledger.list(&Query { descending: false, ..Query::new(open, 1) }).await?;
        let age = oldest
            .first()
            .map_or(0, |letter| Timestamp::now().duration_since(moment(letter.died_at)).as_secs());
        self.oldest.of(&[]).set(age.max(0));
        let (resolved, back) = ledger.replayed().await?;
        self.replays.of(&["resolved"]).set(whole(resolved));
        self.replays.of(&["dead_again"]).set(whole(back));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;
    use trawl_shared::{
        sql::{DatabaseUrl, Missing},
        telemetry::Metrics,
    };

    #[tokio::test]
    async fn an_empty_ledger_has_its_figures_too() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = store::open(&DatabaseUrl::sqlite(folder.path()), Missing::Create).await.unwrap();
        let (metrics, meters) = (Metrics::default(), Meters::default());
        metrics.add(meters.instruments());
        meters.count(&*ledger, &mut BTreeSet::new()).await.unwrap();
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
