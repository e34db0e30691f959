//! Which records are shown: `--where host=example.org`.

use super::shown::Seen;
use trawl_shared::model::CanonicalUrl;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    field: String,
    contains: bool,
    value: String,
}

/// Reads `FIELD=VALUE` (the field is the value) or `FIELD~VALUE` (it contains the value).
///
/// # Errors
/// Says what is understood.
pub(super) fn condition(text: &str) -> Result<Condition, String> {
    let at = text.find(['=', '~']).filter(|at| *at > 0);
    let at = at.ok_or_else(|| {
        format!("{text:?} is no condition; FIELD=VALUE or FIELD~PART, such as host=example.org")
    })?;
    let (field, value) = (&text[..at], &text[at + 1..]);
    Ok(Condition { field: field.to_owned(), contains: text.as_bytes()[at] == b'~', value: value.to_owned() })
}

impl Condition {
    /// Whether a record meets it. A field that the record does not have meets nothing.
    pub(super) fn is_met(&self, seen: &Seen) -> bool {
        let Some(found) = self.field_of(seen) else { return false };
        if self.contains { found.contains(&self.value) } else { found == self.value }
    }

    fn field_of(&self, seen: &Seen) -> Option<String> {
        let record = &seen.delivery.record;
        let header =
            |name: &str| record.headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let envelope = seen.envelope.as_ref();
        match self.field.as_str() {
            "url" => envelope?.subject.clone(),
            "host" => {
                let url = CanonicalUrl::parse(envelope?.subject.as_deref()?).ok()?;
                // The key is the name with a port that is not the scheme's own; people may leave the port out.
                let key = url.host_key().as_str().to_owned();
                let name = url.as_url().host_str().unwrap_or_default().to_owned();
                Some(if self.value.contains(':') { key } else { name })
            }
            "key" => record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
            "id" => Some(envelope?.id.to_string()),
            "crawl" => Some(envelope?.correlation?.to_string()),
            "type" => Some(envelope?.kind.to_string()),
            "trace" => Some(format!("{:032x}", envelope?.trace.trace_id)),
            "group" => {
                envelope?.target.clone().or_else(|| seen.letter.as_ref().map(|letter| letter.group.clone()))
            }
            "code" => seen
                .letter
                .as_ref()
                .map(|letter| letter.code.clone())
                .or_else(|| envelope?.history.last().map(|attempt| attempt.code.clone())),
            name => header(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let read = condition("url~/a=b").unwrap();
        assert_eq!((read.field.as_str(), read.contains, read.value.as_str()), ("url", true, "/a=b"));
        assert!(condition("host").is_err() && condition("=x").is_err());
    }
}
