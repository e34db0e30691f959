//! The charset that the transport or a byte-order mark declares. Markup is the parser's to read.

use encoding_rs::Encoding;

/// The WHATWG name of the declared charset: a byte-order mark wins over `Content-Type`, an unknown
/// label declares nothing.
#[must_use]
pub fn declared(content_type: Option<&str>, body: &[u8]) -> Option<&'static str> {
    if let Some((encoding, _)) = Encoding::for_bom(body) {
        return Some(encoding.name());
    }
    let label = parameter(content_type?, "charset")?;
    Encoding::for_label(label.as_bytes()).map(Encoding::name)
}

/// The value of a media type's parameter, quotes taken off.
fn parameter<'a>(content_type: &'a str, name: &str) -> Option<&'a str> {
    content_type.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix(['"', '\'']).map_or(value, |v| v.trim_end_matches(['"', '\'']));
        (key.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content_type: &str, body: &[u8], expected: Option<&str>) {
        assert_eq!(declared(Some(content_type), body), expected, "{content_type}");
    }

    #[test]
    fn labels_become_whatwg_names() {
        check("text/html; charset=utf8", b"", Some("UTF-8"));
        check("text/html;charset=\"ISO-8859-1\"", b"", Some("windows-1252"));
        check("text/html; boundary=x; CHARSET = 'shift_jis' ", b"", Some("Shift_JIS"));
        check("text/html; charset=klingon", b"", None);
        check("text/html; charset=", b"", None);
        check("text/html", b"abc", None);
    }

    #[test]
    fn a_byte_order_mark_wins() {
        check("text/html; charset=windows-1252", b"\xef\xbb\xbfabc", Some("UTF-8"));
        assert_eq!(declared(None, b"\xff\xfea\0"), Some("UTF-16LE"));
        assert_eq!(declared(None, b"abc"), None);
    }
}
