//! Dates as sitemaps and feeds write them.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    fmt::rfc2822,
    tz::TimeZone,
};

/// Longest text that can be a date.
const MAX_DATE: usize = 64;

/// Days go first: `17 Dec 2009`, also where the name of the weekday is wrong or cut.
static RFC_2822: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);

/// The instant that a date means.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    if text.is_empty() || text.len() > MAX_DATE {
        return None;
    }
    let at_midnight = |date: Date| in_utc(date.at(0, 0, 0, 0));
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| zoned(text))
        .or_else(|| text.parse::<DateTime>().ok().and_then(in_utc))
        .or_else(|| RFC_2822.parse_timestamp(text).ok())
        .or_else(|| month_or_year(text).and_then(at_midnight))
}

fn in_utc(time: DateTime) -> Option<Timestamp> {
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// A time whose zone is written in a way of its own: `+0200`, or behind a blank.
fn zoned(text: &str) -> Option<Timestamp> {
    ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%dT%H:%M%:z"]
        .iter()
        .find_map(|format| Timestamp::strptime(format, text).ok())
}

/// `2004-10` and `2004` (W3C date and time).
fn month_or_year(text: &str) -> Option<Date> {
    let (year, month) = text.split_once('-').unwrap_or((text, "1"));
    let digits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if year.len() != 4 || !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, expected) in [
            ("2004-10-01T18:23:17+00:00", Some("2004-10-01T18:23:17Z")),
            ("2009-12-17T12:04:56+02:00", Some("2009-12-17T10:04:56Z")),
            ("2004-12-23T18:00:15.5Z", Some("2004-12-23T18:00:15.5Z")),
            ("2004-12-23T18:00+01:00", Some("2004-12-23T17:00:00Z")),
            ("2004-12-23T18:00:15+0100", Some("2004-12-23T17:00:15Z")),
            ("2004-12-23T18:00:15", Some("2004-12-23T18:00:15Z")),
            ("2004-12-23 18:00:15", Some("2004-12-23T18:00:15Z")),
            ("2005-01-01", Some("2005-01-01T00:00:00Z")),
            ("2005-02", Some("2005-02-01T00:00:00Z")),
            ("2005", Some("2005-01-01T00:00:00Z")),
            ("Thu, 17 Dec 2009 12:04:56 +0200", Some("2009-12-17T10:04:56Z")),
            ("Mon, 17 Dec 2009 12:04:56 GMT", Some("2009-12-17T12:04:56Z")),
            ("2005-13-01", None),
            ("20", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected.map(|text| text.parse().unwrap()), "{text:?}");
        }
    }
}
