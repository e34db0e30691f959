//! XHTML by the HTML rules: all that differs where it matters is that XML may close an element in
//! its start tag. HTML would read the rest of the page as the text of a `<script src="x"/>`.

use std::borrow::Cow;

/// Elements whose content HTML reads as text.
const TEXT_ELEMENTS: [&str; 9] =
    ["script", "style", "title", "textarea", "iframe", "noscript", "noframes", "noembed", "xmp"];

/// `html` with empty text elements written out: `<title/>` as `<title></title>`.
#[must_use]
pub fn open_empty_elements(html: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut copied, mut seen) = (0, 0);
    for end in memchr::memmem::find_iter(html.as_bytes(), b"/>") {
        let before = &html[seen..end];
        seen = end + "/>".len();
        let Some(name) = before.rfind('<').and_then(|start| text_element(&before[start + 1..])) else {
            continue;
        };
        out.push_str(&html[copied..end]);
        out.push_str("></");
        out.push_str(name);
        out.push('>');
        copied = seen;
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[copied..]);
    Cow::Owned(out)
}

/// The text element that `tag` names, where it does; XML tells case apart.
fn text_element(tag: &str) -> Option<&'static str> {
    TEXT_ELEMENTS.into_iter().find(|name| {
        tag.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_empty_text_elements_are_opened() {
        for (xhtml, html) in [
            ("<title/><script src='a' /><br/>", "<title></title><script src='a' ></script><br/>"),
            ("<script\n src='x'/>y", "<script\n src='x'></script>y"),
            ("<scripts/><br />", "<scripts/><br />"),
            ("/>", "/>"),
        ] {
            assert_eq!(open_empty_elements(xhtml), html);
        }
    }
}
