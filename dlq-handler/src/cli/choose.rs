//! Which letters a command is about: by id, by the first digits of one, or by a filter.

use crate::{
    filter::Filter,
    letter::LetterId,
    replay::Letters,
    store::{Ledger, ReadLedger},
};
use jiff::Timestamp;
use std::str::FromStr;
use trawl_shared::cli::{CliError, Exit};

/// Conditions on letters.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WhereArgs {
    /// Only letters of which this holds: 'code=timeout host=*.example age>1h attempts>=3'; several filters must all hold
    #[arg(long = "where", value_name = "FILTER")]
    pub filters: Vec<Filter>,
    /// Only letters that died since then: 2h ago, or at 2026-11-21T10:00
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
}

impl WhereArgs {
    /// All of them together.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let since = self.since.as_ref().map(|since| since.0.clone());
        self.filters.iter().cloned().chain(since).fold(Filter::all(), Filter::and)
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.since.is_none()
    }
}

/// A time, or how long ago it is, as the filter it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since(Filter);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let filter = match humantime::parse_duration(text) {
            Ok(age) => {
                let since =
                    Timestamp::now().checked_sub(age).map_err(|_| format!("{text} is too long ago"))?;
                format!("died>={since}").parse::<Filter>()
            }
            Err(_) => format!("died>={text}").parse(),
        };
        filter
            .map(Self)
            .map_err(|_| format!("{text:?} is neither a duration (2h) nor a time (2026-11-21T10:00)"))
    }
}

/// Letters by id or by filter.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ChooseArgs {
    /// Letters, by their ids or the first digits of them
    #[arg(value_name = "ID", conflicts_with_all = ["filters", "since"])]
    pub ids: Vec<String>,
    /// Or those of a filter.
    #[command(flatten)]
    pub conditions: WhereArgs,
}

impl ChooseArgs {
    /// The letters. A filter that says nothing of states is about open letters where `only_open` says so.
    ///
    /// # Errors
    /// When one of them is not there, or the ledger can't be asked.
    pub async fn letters(&self, ledger: &dyn Ledger, only_open: bool) -> Result<Letters, CliError> {
        if self.ids.is_empty() {
            let filter = self.conditions.filter();
            let says_state = filter.mentions("state") || !only_open;
            return Ok(Letters::Where(if says_state { filter } else { filter.with("state", "open") }));
        }
        Ok(Letters::Ids(named(ledger, &self.ids).await?))
    }

    /// Refuses to be about all letters by accident.
    ///
    /// # Errors
    /// When neither letters nor conditions were given.
    pub fn not_everything(&self, instead: &str) -> Result<(), CliError> {
        if self.ids.is_empty() && self.conditions.is_empty() {
            return Err(CliError::new(
                Exit::Usage,
                anyhow::anyhow!("which letters? Name them by id, or {instead}"),
            ));
        }
        Ok(())
    }
}

/// The letters that were named, by whole ids or by their first digits.
pub(super) async fn named<L: ReadLedger + ?Sized>(
    ledger: &L,
    names: &[String],
) -> Result<Vec<LetterId>, CliError> {
    /// Enough to show that there are several.
    const CANDIDATES: usize = 4;
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        match ledger.ids_with_prefix(name, CANDIDATES).await?[..] {
            [] => return Err(CliError::new(Exit::NotFound, anyhow::anyhow!("there is no letter {name:?}"))),
            [id] => ids.push(id),
            ref several => {
                let several: Vec<String> = several.iter().map(LetterId::to_string).collect();
                let error = anyhow::anyhow!(
                    "several letters begin with {name:?}, give more digits: {}",
                    several.join(", ")
                );
                return Err(CliError::new(Exit::NotFound, error));
            }
        }
    }
    Ok(ids)
}
