//! Numbers as people write them: `£1,234.50`, `1.234,50 €`, `−3`, `12 345`.

use super::locale::Locale;
use serde_json::{Number, Value};

/// The first number of a text. Without a locale the separators are taken for what they look like: the last of
/// two kinds parts the fraction, and so does a single one unless three digits follow a comma.
pub(super) fn parse(text: &str, locale: Option<Locale>) -> Option<Value> {
    let (negative, run) = first_run(text)?;
    let comma = match locale {
        Some(locale) => locale.decimal_comma,
        None => comma_is_decimal(&run),
    };
    let decimal = if comma { ',' } else { '.' };
    let mut plain = String::with_capacity(run.len() + 1);
    if negative {
        plain.push('-');
    }
    // `1.234.567`: where a separator comes twice it can't part a fraction.
    let fraction_at = run.rfind(decimal).filter(|_| run.matches(decimal).count() == 1);
    for (at, c) in run.char_indices() {
        match c {
            '0'..='9' => plain.push(c),
            _ if Some(at) == fraction_at && c == decimal => plain.push('.'),
            // What parts thousands.
            _ => {}
        }
    }
    if let Ok(whole) = plain.parse::<i64>() {
        return Some(Value::Number(whole.into()));
    }
    Number::from_f64(plain.parse().ok()?).map(Value::Number)
}

/// The first run of digits and separators, and whether a minus stands before it.
fn first_run(text: &str) -> Option<(bool, String)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let before = text[..start].chars().next_back();
    // `.5` and `,5`
    let leads_fraction = before.filter(|c| matches!(c, '.' | ','));
    let head =
        text[..start].trim_end_matches(['.', ',']).trim_end_matches([' ', '\u{a0}', '$', '€', '£', '¥']);
    let negative = head.ends_with(['-', '−'])
        && head.trim_end_matches(['-', '−']).chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    let mut run: String = leads_fraction.map(|c| format!("0{c}")).unwrap_or_default();
    let rest: Vec<char> = text[start..].chars().collect();
    for (at, &c) in rest.iter().enumerate() {
        let next_is_digit =
            |count: usize| (1..=count).all(|ahead| rest.get(at + ahead).is_some_and(char::is_ascii_digit));
        let belongs = match c {
            '0'..='9' => true,
            '.' | ',' => next_is_digit(1),
            // Thousands apart: three digits follow.
            ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’' | '_' => next_is_digit(3) && !next_is_digit(4),
            _ => false,
        };
        if !belongs {
            break;
        }
        run.push(c);
    }
    Some((negative, run))
}

fn comma_is_decimal(run: &str) -> bool {
    match (run.rfind(','), run.rfind('.')) {
        (Some(comma), Some(point)) => comma > point,
        (Some(comma), None) => run.matches(',').count() == 1 && run.len() - comma != 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers() {
        for (text, locale, expected) in [
            ("£51.77", None, json!(51.77)),
            ("In stock (22 available)", None, json!(22)),
            ("1,234.50", None, json!(1234.5)),
            ("1.234,50 €", None, json!(1234.5)),
            ("1,234", None, json!(1234)),
            ("51,7", None, json!(51.7)),
            ("1.234", None, json!(1.234)),
            ("1.234", Some("de"), json!(1234)),
            ("1.234,5", Some("de"), json!(1234.5)),
            ("1,234", Some("de"), json!(1.234)),
            ("1,234,567", None, json!(1_234_567)),
            ("12 345 678,9", Some("fr"), json!(12_345_678.9)),
            ("1’234.50", Some("de-CH"), json!(1234.5)),
            ("-3", None, json!(-3)),
            ("−3,5 °C", None, json!(-3.5)),
            ("-$5.00", None, json!(-5.0)),
            ("model-3", None, json!(3)),
            ("2024. Then", None, json!(2024)),
            (".5", None, json!(0.5)),
            ("3 4", None, json!(3)),
            ("007", None, json!(7)),
            ("123456789012345678901", None, json!(123_456_789_012_345_680_000.0)),
        ] {
            let locale = locale.and_then(Locale::named);
            assert_eq!(parse(text, locale), Some(expected), "{text}");
        }
        assert_eq!(parse("free", None), None);
    }
}
