//! Percent-escapes: one spelling for each text.

/// Decodes escapes of unreserved characters and writes the others in upper case (RFC 3986, section
/// 6.2.2). `None` where nothing changes, which is the usual case.
pub(super) fn normalise_escapes(text: &str) -> Option<String> {
    if !text.as_bytes().contains(&b'%') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        match escaped_byte(escape) {
            Some(byte) if is_unreserved(byte) => {
                out.push(char::from(byte));
                changed = true;
                rest = &escape[3..];
            }
            Some(_) => {
                let upper = escape[..3].to_ascii_uppercase();
                changed |= upper != escape[..3];
                out.push_str(&upper);
                rest = &escape[3..];
            }
            None => {
                out.push('%');
                rest = &escape[1..];
            }
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Escapes what RFC 3986 has no room for and browsers send as it is: a `%` that begins no escape, and
/// `[ ] ^ { | }`, backslash and backtick. `None` where nothing changes.
pub(super) fn escape_strictly(text: &str) -> Option<String> {
    if !text.bytes().any(|byte| byte == b'%' || is_unwise(byte)) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        let stray = c == '%' && escaped_byte(&text[at..]).is_none();
        match u8::try_from(c) {
            Ok(byte) if stray || is_unwise(byte) => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(c),
        }
    }
    (out.len() != text.len()).then_some(out)
}

/// The byte that an escape at the start of a text stands for.
fn escaped_byte(text: &str) -> Option<u8> {
    let [b'%', high, low, ..] = text.as_bytes() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? << 4 | digit(*low)?)
}

/// RFC 3986, section 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn is_unwise(byte: u8) -> bool {
    matches!(byte, b'[' | b']' | b'^' | b'{' | b'|' | b'}' | b'\\' | b'`')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_each_escape() {
        assert_eq!(normalise_escapes("/%7euser/%e4%2f%41.%2E"), Some("/~user/%E4%2FA..".to_owned()));
        assert_eq!(normalise_escapes("/100%"), None);
        assert_eq!(normalise_escapes("/%C3%A9"), None);
        assert_eq!(normalise_escapes("/%+1%é1"), None, "no digits");
    }

    #[test]
    fn strict_escapes_are_strict_once() {
        assert_eq!(escape_strictly("90%+of%2"), Some("90%25+of%252".to_owned()));
        assert_eq!(escape_strictly("x[y]={1|2}"), Some("x%5By%5D=%7B1%7C2%7D".to_owned()));
        assert_eq!(escape_strictly("90%25+of%252é"), None);
    }
}
