//! Which pages are asked for.

use trawl_shared::model::JobId;

/// What pages or items must have in common; all of them without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The job.
    pub job: Option<JobId>,
    /// The host of the URL, with its port where that is not the usual one.
    pub host: Option<String>,
    /// Fetched at this time or later, in Unix milliseconds.
    pub since: Option<i64>,
}

impl Question {
    /// Whether an index would help.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.host.is_some() || self.since.is_some()
    }

    /// The conditions as SQL, with numbered parameters in the order job, host, since of those that there are.
    pub(super) fn conditions(&self, sign: char) -> String {
        let asked = [
            (self.job.is_some(), "job ="),
            (self.host.is_some(), "host ="),
            (self.since.is_some(), "fetched_at >="),
        ];
        let asked = asked.into_iter().filter(|(asked, _)| *asked).enumerate();
        let conditions: Vec<String> =
            asked.map(|(at, (_, condition))| format!("{condition} {sign}{}", at + 1)).collect();
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_is_a_condition() {
        let question = Question { since: Some(1), host: Some("a".into()), job: None };
        assert_eq!(question.conditions('$'), " WHERE host = $1 AND fetched_at >= $2");
        assert_eq!(Question::default().conditions('?'), "");
    }
}
