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

/// A product's name as far as its version, a comment or a blank.
fn leading_token(text: &str) -> &str {
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | ';' | ',' | '(' | ')'))
        .unwrap_or(text.len());
    &text[..end]
}

/// Whether the value of a `User-agent` line names the product. RFC 9309 gives product tokens letters,
/// `_` and `-` only and ends them at anything else; products with digits in their names are known by
/// the whole of them as well.
pub(super) fn names(value: &[u8], product: &str) -> bool {
    let Ok(value) = std::str::from_utf8(value) else { return false };
    let end = value.find(|c: char| !(c.is_ascii_alphabetic() || c == '_' || c == '-')).unwrap_or(value.len());
    !product.is_empty()
        && (value[..end].eq_ignore_ascii_case(product) || leading_token(value).eq_ignore_ascii_case(product))
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

    #[test]
    fn a_line_names_a_product_with_or_without_its_version() {
        for value in ["trawl", "TRAWL/1.0", "trawl bot", "trawl*"] {
            assert!(names(value.as_bytes(), "Trawl"), "{value}");
        }
        assert!(names(b"Bot2/1", "bot2"));
        for (value, product) in [("trawler", "trawl"), ("bot1", "bot2"), ("", ""), ("*", "")] {
            assert!(!names(value.as_bytes(), product), "{value}");
        }
    }
}
