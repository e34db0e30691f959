//! Dates as pages write them, in one form.

use jiff::{civil, fmt::rfc2822, fmt::temporal::Pieces};

/// Longest text taken for a date, in bytes.
const MAX_DATE: usize = 64;

/// Ways of writing a date, besides ISO 8601 and mail's, that leave no doubt which number is what.
const FORMATS: [&str; 10] = [
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%B %d, %Y",
    "%b %d, %Y",
    "%b. %d, %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%A, %B %d, %Y",
    "%d.%m.%Y",
];

/// A date in the form of RFC 3339: `2020-02-03`, with time and offset where the text has them
/// (`2020-02-03T04:05:06+01:00`). `None` where it can't be told for sure.
#[must_use]
pub fn normalised(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_DATE {
        return None;
    }
    iso(text).or_else(|| mail(text)).or_else(|| {
        FORMATS
            .iter()
            .find_map(|format| civil::Date::strptime(format, text).ok())
            .map(|date| date.to_string())
    })
}

fn iso(text: &str) -> Option<String> {
    // Eight digits alone are a date; other lengths are a number.
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // `2020-01-02T03:04:05-0400` and `2020-01-02 03:04:05 +0100` are common.
    let spaced = text.replacen(" +", "+", 1).replacen(" UTC", "Z", 1);
    let spaced = with_colon(&spaced);
    let pieces = Pieces::parse(&spaced).ok()?;
    let date = pieces.date();
    let Some(time) = pieces.time() else { return Some(date.to_string()) };
    let offset = match pieces.to_numeric_offset() {
        Some(offset) if offset.is_zero() => "Z".to_owned(),
        Some(offset) => {
            let seconds = offset.seconds();
            let minutes = seconds.abs() / 60;
            format!("{}{:02}:{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
        }
        None => String::new(),
    };
    Some(format!("{date}T{:02}:{:02}:{:02}{offset}", time.hour(), time.minute(), time.second()))
}

/// An offset `+0100` as `+01:00`.
fn with_colon(text: &str) -> String {
    let is_short = text.len() > 5
        && text.is_char_boundary(text.len() - 5)
        && text[text.len() - 5..].starts_with(['+', '-'])
        && text[text.len() - 4..].bytes().all(|b| b.is_ascii_digit())
        && text.contains(':');
    if !is_short {
        return text.to_owned();
    }
    let (rest, minutes) = text.split_at(text.len() - 2);
    format!("{rest}:{minutes}")
}

/// As mail and RSS write dates: `Mon, 03 Feb 2020 04:05:06 +0100`.
fn mail(text: &str) -> Option<String> {
    let zoned = rfc2822::parse(text).ok()?;
    iso(&zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, expected) in [
            ("2020-02-03", Some("2020-02-03")),
            (" 2020-02-03T04:05:06Z ", Some("2020-02-03T04:05:06Z")),
            ("2020-02-03T04:05:06.789+00:00", Some("2020-02-03T04:05:06Z")),
            ("2020-02-03T04:05:06-0430", Some("2020-02-03T04:05:06-04:30")),
            ("2020-02-03 04:05", Some("2020-02-03T04:05:00")),
            ("2020-02-03 04:05:06 +0100", Some("2020-02-03T04:05:06+01:00")),
            ("2020-02-03 04:05:06 UTC", Some("2020-02-03T04:05:06Z")),
            ("Mon, 03 Feb 2020 04:05:06 GMT", Some("2020-02-03T04:05:06Z")),
            ("February 3, 2020", Some("2020-02-03")),
            ("3 Feb 2020", Some("2020-02-03")),
            ("2020/02/03", Some("2020-02-03")),
            ("20200203", Some("2020-02-03")),
            ("03.02.2020", Some("2020-02-03")),
            ("02/03/2020", None),
            ("2020-02-30", None),
            ("yesterday", None),
            ("1580702706", None),
            ("", None),
        ] {
            assert_eq!(normalised(text).as_deref(), expected, "{text:?}");
        }
    }
}
