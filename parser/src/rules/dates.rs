//! Dates as people write them, in the languages that rules name.

use super::locale::{DateOrder, Locale};
use crate::date;
use jiff::civil::{Date, DateTime, Time};

/// Longest text that is looked at, in bytes.
const MAX_TEXT: usize = 200;

/// A date in the form of RFC 3339, with its time where the text has one; the offset only where the text says it.
pub(super) fn parse(text: &str, format: Option<&str>, locale: Option<Locale>) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return None;
    }
    if let Some(format) = format {
        return by_format(&in_english(text, locale), format);
    }
    // A language may read `02/03/2020` in its own way; ISO 8601 is the same in all.
    date::normalised(text)
        .filter(|_| starts_with_year(text) || locale.is_none())
        .or_else(|| by_words(text, locale))
}

fn starts_with_year(text: &str) -> bool {
    text.len() >= 4 && text.bytes().take(4).all(|b| b.is_ascii_digit())
}

fn by_format(text: &str, format: &str) -> Option<String> {
    if let Ok(time) = jiff::Zoned::strptime(format, text) {
        return date::normalised(&time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    }
    let has_time =
        ["%H", "%I", "%k", "%l", "%T", "%R", "%r", "%c", "%X"].iter().any(|part| format.contains(part));
    if has_time && let Ok(time) = DateTime::strptime(format, text) {
        return Some(time.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    }
    Date::strptime(format, text).ok().map(|date| date.to_string())
}

/// The text with the names of months in English.
fn in_english(text: &str, locale: Option<Locale>) -> String {
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    if locale.is_none() {
        return text.to_owned();
    }
    let mut english = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphabetic() {
            word.push(c);
            continue;
        }
        match Locale::month(locale, &word).and_then(|month| ENGLISH.get(usize::try_from(month - 1).ok()?)) {
            Some(name) => english.push_str(name),
            None => english.push_str(&word),
        }
        word.clear();
        english.push(c);
    }
    english.pop();
    english
}

/// A date from its words: a month by name or the order of the numbers, and a time `hh:mm` where there is one.
fn by_words(text: &str, locale: Option<Locale>) -> Option<String> {
    let mut time = None;
    let mut month = None;
    let mut numbers: Vec<(i32, usize)> = Vec::new();
    let words = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '/' | '-' | '(' | ')' | '年' | '月' | '日'));
    for word in words.filter(|word| !word.is_empty()) {
        if word.contains(':') {
            time = time.or_else(|| clock(word));
            continue;
        }
        for part in word.split('.').filter(|part| !part.is_empty()) {
            let digits = part.trim_end_matches(|c: char| c.is_alphabetic());
            match digits.parse() {
                Ok(number) if !digits.is_empty() => numbers.push((number, digits.len())),
                _ => month = month.or_else(|| Locale::month(locale, part)),
            }
        }
    }
    let is_pm = text.to_ascii_lowercase().contains("pm") || text.to_ascii_lowercase().contains("p.m");
    let date = numbered(&numbers, month, locale)?;
    Some(match time {
        Some((hour, minute, second)) => {
            let hour = if is_pm && hour < 12 { hour + 12 } else { hour };
            date.to_datetime(Time::new(hour, minute, second, 0).ok()?)
                .strftime("%Y-%m-%dT%H:%M:%S")
                .to_string()
        }
        None => date.to_string(),
    })
}

fn numbered(numbers: &[(i32, usize)], month: Option<i8>, locale: Option<Locale>) -> Option<Date> {
    let small = |number: i32| i8::try_from(number).ok();
    let year_of = |(number, digits): (i32, usize)| match digits {
        4 => i16::try_from(number).ok(),
        2 => i16::try_from(if number < 70 { 2000 + number } else { 1900 + number }).ok(),
        _ => None,
    };
    if let Some(month) = month {
        let year = numbers.iter().find(|(_, digits)| *digits == 4).or_else(|| numbers.get(1))?;
        let day = numbers.iter().find(|number| *number != year)?;
        return Date::new(year_of(*year)?, month, small(day.0)?).ok();
    }
    let [a, b, c] = *numbers.get(..3)? else { return None };
    let (year, month, day) = match locale.map(|locale| locale.order) {
        _ if a.1 == 4 => (a, b, c),
        Some(DateOrder::Day) => (c, b, a),
        Some(DateOrder::Month) => (c, a, b),
        Some(DateOrder::Year) => (a, b, c),
        // Nobody says which number is what.
        None => return None,
    };
    Date::new(year_of(year)?, small(month.0)?, small(day.0)?).ok()
}

fn clock(word: &str) -> Option<(i8, i8, i8)> {
    let mut parts = word.split(':').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse::<i8>()
    });
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    Some((hour, minute, parts.next().and_then(Result::ok).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_languages() {
        for (text, locale, expected) in [
            ("2024-02-03", None, Some("2024-02-03")),
            ("2024-02-03T10:20:30+02:00", Some("de"), Some("2024-02-03T10:20:30+02:00")),
            ("3. Februar 2024", Some("de"), Some("2024-02-03")),
            ("Samstag, 3. Feb. 2024, 18:05 Uhr", Some("de"), Some("2024-02-03T18:05:00")),
            ("1er août 2023", Some("fr"), Some("2023-08-01")),
            ("3 de marzo de 2021", Some("es"), Some("2021-03-03")),
            ("12 мая 2020", Some("ru"), Some("2020-05-12")),
            ("2024年2月3日", Some("ja"), Some("2024-02-03")),
            ("02/03/2024", Some("en-US"), Some("2024-02-03")),
            ("02/03/2024", Some("en-GB"), Some("2024-03-02")),
            ("2.3.24", Some("de"), Some("2024-03-02")),
            ("02/03/2024", None, None),
            ("February 3rd, 2024 at 4:15 pm", None, Some("2024-02-03T16:15:00")),
            ("Feb 30, 2024", None, None),
            ("soon", None, None),
        ] {
            assert_eq!(
                parse(text, None, locale.and_then(Locale::named)).as_deref(),
                expected,
                "{text} {locale:?}"
            );
        }
    }

    #[test]
    fn dates_by_format() {
        let de = Locale::named("de");
        assert_eq!(parse("3. März 2024", Some("%d. %B %Y"), de).as_deref(), Some("2024-03-03"));
        assert_eq!(
            parse("03/02/24 10:05", Some("%d/%m/%y %H:%M"), None).as_deref(),
            Some("2024-02-03T10:05:00")
        );
        assert_eq!(parse("nothing", Some("%Y"), None), None);
    }
}
