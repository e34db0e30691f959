//! Letters between ledgers: a line of JSON holds all that is known of one, byte for byte.

use crate::{
    as_text::AsText,
    letter::{Death, LetterId, Summary},
    state::Event,
    store::ReadLedger,
};
use serde::{Deserialize, Serialize};
use trawl_shared::{
    message::{Headers, Record, Topic},
    sql::SqlError,
};

/// A letter with all its story. Bytes are strings where they are UTF-8, else `{"hex": "..."}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// As it is listed.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its deaths, oldest first.
    pub deaths: Vec<Death>,
    /// What was done about it, oldest first.
    pub events: Vec<Event>,
    key: Option<AsText>,
    headers: Vec<(String, AsText)>,
    payload: AsText,
}

impl Moved {
    /// All of one letter; none where there is no such letter.
    ///
    /// # Errors
    /// When the ledger can't be asked.
    pub async fn load<L: ReadLedger + ?Sized>(ledger: &L, id: LetterId) -> Result<Option<Self>, SqlError> {
        let (Some(summary), Some(record)) = (ledger.summary(id).await?, ledger.original(id).await?) else {
            return Ok(None);
        };
        let header = |(name, value): (&str, &bytes::Bytes)| (name.to_owned(), AsText::from(&value[..]));
        Ok(Some(Self {
            summary,
            deaths: ledger.deaths(id).await?,
            events: ledger.events(id).await?,
            key: record.key.as_ref().map(|key| AsText::from(&key[..])),
            headers: record.headers.iter().map(header).collect(),
            payload: AsText::from(&record.payload[..]),
        }))
    }

    /// Reads a line.
    ///
    /// # Errors
    /// When it is not what [`Moved::load`] gives as JSON; says what is wrong.
    pub fn read(line: &str) -> Result<Self, String> {
        let moved: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let bytes = [Some(&moved.payload), moved.key.as_ref()].into_iter().flatten();
        for text in bytes.chain(moved.headers.iter().map(|(_, value)| value)) {
            Vec::try_from(text.clone())?;
        }
        moved.summary.topic.parse::<Topic>()?;
        if moved.deaths.is_empty() {
            return Err("a letter has at least one death".to_owned());
        }
        Ok(moved)
    }

    /// The record as it came first.
    #[must_use]
    pub fn record(&self) -> Record {
        // Both were checked when the line was read.
        let bytes = |text: &AsText| Vec::try_from(text.clone()).unwrap_or_default();
        let mut headers = Headers::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers.push(name.clone(), bytes(value));
        }
        Record {
            topic: self.summary.topic.parse().unwrap_or(Topic::DeadLetter),
            partition: None,
            key: self.key.as_ref().map(|key| bytes(key).into()),
            headers,
            payload: bytes(&self.payload).into(),
        }
    }
}
