//! The product token: the name by which robots.txt files speak to a crawler.

/// The product token of a `User-Agent` header: its first product (`trawl/1.0 (+…)` is `trawl`). A
/// crawler that introduces itself the browsers' way, `Mozilla/5.0 (compatible; TrawlBot/1.0; …)`,
/// is called by the product behind `compatible;`.
#[must_use]
pub fn product_token(user_agent: &str) -> &str {
    let first = leading_token(user_agent.trim_start());
    if !first.eq_ignore_ascii_case("mozilla") {
        return first;
    }
    let behind = user_agent.split_once("compatible;").map(|(_, rest)| leading_token(rest.trim_start()));
    behind.filter(|token| !token.is_empty()).unwrap_or(first)
}

/// The characters at the start of `text` that a product token may have (RFC 9309, section 2.2.1).
pub(super) fn leading_token(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphabetic() || c == '_' || c == '-')).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_product_is_the_name() {
        assert_eq!(product_token("trawl/0.1 (+https://example.org)"), "trawl");
        assert_eq!(product_token("My-Bot"), "My-Bot");
        assert_eq!(product_token("Mozilla/5.0 (compatible; TrawlBot/1.0; +https://example.org)"), "TrawlBot");
        assert_eq!(product_token("Mozilla/5.0 (X11; Linux x86_64)"), "Mozilla");
        assert_eq!(product_token(""), "");
    }
}
