//! The charset in a `Content-Type` header.

/// The `charset` parameter of a content type, as written. More lenient than the media type as a
/// whole ([`mime`](crate::content::mime)): the type itself may be anything, and of several types
/// joined by commas the first with a charset counts.
#[must_use]
pub fn charset_parameter(content_type: &str) -> Option<&str> {
    let mut rest = content_type;
    loop {
        let (name, after) = rest.split_at(rest.find(['=', ';', ','])?);
        let name = name.trim_start();
        rest = &after[1..];
        if !after.starts_with('=') {
            continue;
        }
        let (value, after) = value(rest)?;
        if name.eq_ignore_ascii_case("charset") {
            return Some(value);
        }
        rest = after;
    }
}

/// A quoted or bare value and what follows it. `None` where a quote is never closed or text clings
/// to it.
fn value(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = match text.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('"')?;
            (value, rest.trim_start())
        }
        None => text.split_at(text.find([';', ',']).unwrap_or(text.len())),
    };
    let clean = rest.is_empty() || rest.starts_with([';', ',']);
    let usable = !value.is_empty() && !value.starts_with(' ');
    (clean && usable).then(|| (value.trim_end(), rest.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        for (content_type, expected) in [
            ("text/html;charset=utf-8", Some("utf-8")),
            ("text/html; Charset=\"ISO-8859-4\"", Some("ISO-8859-4")),
            ("text/html; a=\"charset=x;\"; charset=utf-8 ; b=c", Some("utf-8")),
            ("text/html; charset=utf-8, text/plain; charset=utf-16", Some("utf-8")),
            ("text/html; a=\"charset=x;\"", None),
            ("text/html; xcharset=utf-8", None),
            ("text/html; charset = utf-8", None),
            ("text/html; charset=\"utf-8", None),
            ("text/html; charset=", None),
            ("text/html", None),
            ("", None),
        ] {
            assert_eq!(charset_parameter(content_type), expected, "{content_type:?}");
        }
    }
}
