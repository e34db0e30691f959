//! Cookie dates (RFC 6265, section 5.1.1): an algorithm that finds a date in whatever servers write.

use jiff::{Timestamp, civil, tz::TimeZone};

/// The instant that a cookie's `Expires` means; none where there is no date in it.
#[must_use]
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.as_bytes().split(|byte| is_delimiter(*byte)).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = parse_time(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = parse_month(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if year < 1601 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let small = |number: i16| i8::try_from(number).ok();
    let date =
        civil::DateTime::new(year, month, small(day)?, small(hour)?, small(minute)?, small(second)?, 0)
            .ok()?;
    Some(TimeZone::UTC.to_zoned(date).ok()?.timestamp())
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// `hours:minutes:seconds` of one or two digits each; what is no digit may follow.
fn parse_time(token: &[u8]) -> Option<(i16, i16, i16)> {
    let mut parts = token.splitn(3, |byte| *byte == b':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let second = parts.next()?;
    let whole = |part: &[u8]| (part.len() <= 2).then(|| number(part, 1, 2)).flatten();
    Some((whole(hour)?, whole(minute)?, number(second, 1, 2)?))
}

/// A number of `least` to `most` digits; what is no digit may follow.
fn number(token: &[u8], least: usize, most: usize) -> Option<i16> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits < least || digits > most {
        return None;
    }
    std::str::from_utf8(&token[..digits]).ok()?.parse().ok()
}

fn parse_month(token: &[u8]) -> Option<i8> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let name = token.get(..3)?;
    let at = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(*month))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|at| at.to_string()), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn dates_of_every_kind() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some("1994-11-06T08:49:37Z"));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some("1994-11-06T08:49:37Z"));
        check("Sun Nov  6 08:49:37 1994", Some("1994-11-06T08:49:37Z"));
        check("6 november 69 8:9:7pm", Some("2069-11-06T08:09:07Z"));
    }

    #[test]
    fn what_is_no_date() {
        for text in
            ["", "tomorrow", "31 Feb 2020 10:00:00", "6 Nov 1994", "6 Nov 1600 1:1:1", "6 Nov 1994 24:00:00"]
        {
            check(text, None);
        }
    }
}
