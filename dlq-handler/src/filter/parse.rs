//! Reading filters, and saying what is wrong with them.

use super::{
    Condition, Test,
    field::{self, Field, Kind},
    pattern::Pattern,
};
use crate::state::State;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use uuid::Uuid;

/// What is wrong with a filter, and what it could say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}; a filter is conditions such as `code=timeout host=*.example age>1h attempts>=3`:{}",
    field::help()
)]
pub struct FilterError {
    /// The fault alone.
    pub what: String,
}

/// The operators, the longer before those they begin with.
const OPERATORS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

pub(super) fn filter(text: &str) -> Result<Vec<Condition>, FilterError> {
    let mut conditions = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (condition, after) = condition(rest).map_err(|what| FilterError { what })?;
        conditions.push(condition);
        let next = after.trim_start();
        if next.len() == after.len() && !next.is_empty() {
            return Err(FilterError { what: format!("a space is missing before {:?}", cut(next)) });
        }
        // Conditions all hold anyhow; who says so is understood.
        rest = next.strip_prefix("and ").map_or(next, str::trim_start);
    }
    Ok(conditions)
}

/// A condition that a program makes: the field is this text, whatever characters it has.
pub(super) fn equals(name: &str, value: &str) -> Option<Condition> {
    let field = Field::named(name)?;
    let value = if field.kind == Kind::Text { Pattern::quoted(value) } else { value.to_owned() };
    Some(Condition { field, operator: "=", negated: false, test: test(field, "=", &value).ok()?, value })
}

fn condition(text: &str) -> Result<(Condition, &str), String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let field = Field::named(name).ok_or_else(|| unknown(name, text))?;
    let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator));
    let operator = operator.ok_or_else(|| {
        format!("behind {name} an operator is missing: {}", field.kind.operators().join(" "))
    })?;
    if !field.kind.operators().contains(&operator) {
        let allowed = field.kind.operators().join(" ");
        return Err(format!("{name} takes no {operator}, only {allowed}"));
    }
    let (value, rest) =
        value(&rest[operator.len()..]).map_err(|why| format!("the value of {name}: {why}"))?;
    let test =
        test(field, operator, value).map_err(|why| format!("{name}{operator}{}: {why}", cut(value)))?;
    let negated = operator == "!=";
    Ok((Condition { field, operator, value: value.to_owned(), negated, test }, rest))
}

fn unknown(name: &str, text: &str) -> String {
    if name.is_empty() {
        return format!("{:?} does not begin with a field", cut(text));
    }
    let near = Field::ALL.into_iter().map(|field| (strsim::jaro_winkler(name, field.name), field));
    match near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.8) {
        Some((_, field)) => format!("there is no field {name:?}, did you mean {field}?"),
        None => format!("there is no field {name:?}"),
    }
}

/// Enough of a text to find it again.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A value up to the next space, or in quotes; `\` takes the next character along. What it means is for the pattern.
fn value(text: &str) -> Result<(&str, &str), String> {
    let quoted = text.strip_prefix('"');
    let text = quoted.unwrap_or(text);
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if quoted.is_some() => return Ok((&text[..at], &text[at + 1..])),
            '"' => return Err("write \\\" for a quote inside, or put quotes around all of it".to_owned()),
            c if c.is_whitespace() && quoted.is_none() => return Ok((&text[..at], &text[at..])),
            _ => {}
        }
    }
    if quoted.is_some() { Err("the closing quote is missing".to_owned()) } else { Ok((text, "")) }
}

fn test(field: Field, operator: &str, value: &str) -> Result<Test, String> {
    match field.kind {
        Kind::Text => {
            let patterns = Pattern::alternatives(value)?;
            let known = |pattern: &Pattern| State::ALL.iter().any(|state| pattern.admits(state.as_str()));
            if field.name == "state" && !patterns.iter().all(known) {
                return Err(format!("states are {}", State::ALL.map(State::as_str).join(", ")));
            }
            Ok(Test::Like(patterns))
        }
        Kind::Id => value.split('|').map(digits).collect::<Result<_, _>>().map(Test::Among),
        Kind::Number => interval(operator, value, |text| {
            let number = text.parse::<u32>().map_err(|_| "a whole number is expected".to_owned())?;
            Ok((i64::from(number), i64::from(number)))
        }),
        Kind::Time => interval(operator, value, moment),
        Kind::Age => interval(operator, value, |text| {
            let age = humantime::parse_duration(text).map_err(|error| error.to_string())?;
            let millis =
                i64::try_from(age.as_millis()).map_err(|_| "longer than there is time".to_owned())?;
            Ok((millis, millis))
        }),
    }
}

/// What an operator makes of a value that may itself stand for a while: a day, a minute.
fn interval(
    operator: &str,
    value: &str,
    read: impl Fn(&str) -> Result<(i64, i64), String>,
) -> Result<Test, String> {
    if let Some((from, to)) = value.split_once("..") {
        if !matches!(operator, "=" | "!=") {
            return Err("a range goes with = or !=".to_owned());
        }
        let (first, last) = (read(from)?.0, read(to)?.1);
        return if first <= last {
            Ok(Test::Between(first, last))
        } else {
            Err("the range ends before it begins".into())
        };
    }
    let (first, last) = read(value)?;
    Ok(match operator {
        "<" => Test::Between(i64::MIN, first.saturating_sub(1)),
        "<=" => Test::Between(i64::MIN, last),
        ">" => Test::Between(last.saturating_add(1), i64::MAX),
        ">=" => Test::Between(first, i64::MAX),
        _ => Test::Between(first, last),
    })
}

/// The first and the last millisecond of what a text says: a day, a minute, a second, an instant. UTC where it names no zone.
fn moment(text: &str) -> Result<(i64, i64), String> {
    const EXPECTED: &str = "a time is expected, such as 2026-11-21, 2026-11-21T10:00 or 2026-11-21T10:00:00Z";
    let lasts = |from: Timestamp, millis: i64| {
        let first = from.as_millisecond();
        (first, first + millis - 1)
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        let length = if text.contains('.') { 1 } else { 1_000 };
        return Ok(lasts(instant, length));
    }
    let utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    if !text.contains(['T', 't', ' ']) {
        let date: civil::Date = text.parse().map_err(|_| EXPECTED)?;
        let from = utc(date.to_datetime(civil::Time::midnight())).map_err(|_| EXPECTED)?;
        return Ok(lasts(from, SignedDuration::from_hours(24).as_millis() as i64));
    }
    let time: civil::DateTime = text.parse().map_err(|_| EXPECTED)?;
    let from = utc(time).map_err(|_| EXPECTED)?;
    let length = match text.matches(':').count() {
        0 => 3_600_000,
        1 => 60_000,
        _ if text.contains('.') => 1,
        _ => 1_000,
    };
    Ok(lasts(from, length))
}

/// The first and the last id that begin with these hexadecimal digits (dashes may stand between).
fn digits(text: &str) -> Result<(Uuid, Uuid), String> {
    range(text).ok_or_else(|| "an id is up to 32 hexadecimal digits".to_owned())
}

/// As [`digits`]; none for what is no beginning of an id.
pub(crate) fn range(text: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > 32 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let filled = |with: char| {
        let rest = std::iter::repeat_n(with, 32 - digits.len());
        Uuid::try_parse(&digits.chars().chain(rest).collect::<String>()).ok()
    };
    Some((filled('0')?, filled('f')?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use proptest::prelude::*;

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        for (text, fault) in [
            ("hots=a", "there is no field \"hots\", did you mean host?"),
            ("=a", "\"=a\" does not begin with a field"),
            ("xyzzy=1", "there is no field \"xyzzy\""),
            ("host", "behind host an operator is missing: = !="),
            ("host>a", "host takes no >, only = !="),
            ("age=1h", "age takes no =, only < <= > >="),
            ("age>soon", "age>soon: "),
            ("attempts>=three", "attempts>=three: a whole number is expected"),
            ("state=opne", "state=opne: states are open, replayed, resolved, discarded"),
            ("died>yesterday", "died>yesterday: a time is expected"),
            ("died=2026-11-22..2026-11-21", "the range ends before it begins"),
            ("id=xyz", "id=xyz: an id is up to 32 hexadecimal digits"),
            ("code=\"a", "the value of code: the closing quote is missing"),
            ("code=a\"b", "the value of code: write \\\""),
            ("code=\"a\"b=1", "a space is missing before \"b=1\""),
        ] {
            let error = text.parse::<Filter>().unwrap_err();
            assert!(error.what.contains(fault), "{text}: {}", error.what);
            let whole = error.to_string();
            assert!(
                whole.contains("age: < <= > >= a duration") && whole.contains("attempts, replays: ="),
                "{whole}"
            );
        }
    }

    #[test]
    fn times_stand_for_as_long_as_they_say() {
        let span = |text: &str| {
            let (first, last) = moment(text).unwrap();
            (Timestamp::from_millisecond(first).unwrap().to_string(), last - first + 1)
        };
        assert_eq!(span("2026-11-21"), ("2026-11-21T00:00:00Z".into(), 86_400_000));
        assert_eq!(span("2026-11-21T10:30"), ("2026-11-21T10:30:00Z".into(), 60_000));
        assert_eq!(span("2026-11-21T10:30:05Z"), ("2026-11-21T10:30:05Z".into(), 1_000));
        assert_eq!(span("2026-11-21T10:30:05.250+01:00"), ("2026-11-21T09:30:05.25Z".into(), 1));
        let between = |text| test(Field::named("died").unwrap(), "=", text).unwrap();
        let (first, last) = (moment("2026-11-20").unwrap().0, moment("2026-11-21").unwrap().1);
        assert_eq!(between("2026-11-20..2026-11-21"), Test::Between(first, last));
    }

    #[test]
    fn a_prefix_is_a_range_of_ids() {
        let (first, last) = range("0a1b").unwrap();
        assert_eq!(first.to_string(), "0a1b0000-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "0a1bffff-ffff-ffff-ffff-ffffffffffff");
        let whole = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
        assert_eq!(
            range(whole).map(|(first, last)| (first.to_string(), first == last)),
            Some((whole.into(), true))
        );
        for bad in ["", "xyz", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f90", "é"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,60}") {
            let _ = text.parse::<Filter>();
        }

        #[test]
        fn what_is_shown_can_be_read_again(text in "[a-z*?|\\\\ \"=<>.é]{0,20}") {
            let condition = equals("error", &text).unwrap();
            let filter = Filter(vec![condition]);
            prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
        }
    }
}
