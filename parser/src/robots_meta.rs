//! `<meta name=robots>` and `X-Robots-Tag`: whether a page lets its links be followed.
//!
//! The strictest directive wins, wherever it stands.

/// Whether the directives of a `<meta name=robots>` forbid following links.
#[must_use]
pub fn forbids_following(directives: &str) -> bool {
    directives.split(|c: char| c == ',' || c.is_ascii_whitespace()).any(is_nofollow)
}

fn is_nofollow(directive: &str) -> bool {
    directive.eq_ignore_ascii_case("nofollow") || directive.eq_ignore_ascii_case("none")
}

/// Whether an `X-Robots-Tag` header forbids `robot` to follow links.
///
/// `nofollow` speaks to all; `otherbot: noindex, nofollow` to one, up to the next name.
#[must_use]
pub fn header_forbids_following(value: &str, robot: &str) -> bool {
    let mut for_us = true;
    value.split(',').any(|part| {
        let mut directive = part.trim();
        if let Some((name, rest)) = directive.split_once(':').filter(|(name, _)| !takes_value(name.trim())) {
            let name = name.trim();
            for_us = name == "*" || name.eq_ignore_ascii_case(robot);
            directive = rest;
        }
        for_us && forbids_following(directive)
    })
}

/// Directives with a value: `unavailable_after: 25 Jun 2030 15:00:00 GMT` names no robot.
fn takes_value(name: &str) -> bool {
    ["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"]
        .iter()
        .any(|directive| directive.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_directives() {
        for (directives, expected) in [
            ("noindex, nofollow", true),
            ("NOFOLLOW", true),
            ("none", true),
            ("noindex nofollow", true),
            ("index,follow", false),
            ("noindex", false),
            ("nofollowing", false),
            ("", false),
        ] {
            assert_eq!(forbids_following(directives), expected, "{directives:?}");
        }
    }

    #[test]
    fn header_directives_may_name_a_robot() {
        for (value, expected) in [
            ("nofollow", true),
            ("noindex, none", true),
            ("otherbot: nofollow", false),
            ("otherbot: noindex, nofollow", false),
            ("otherbot: noindex, trawl: nofollow", true),
            ("Trawl: noindex, NoFollow", true),
            ("nofollow, otherbot: noindex", true),
            ("unavailable_after: 25 Jun 2030 15:00:00 GMT, nofollow", true),
            ("max-snippet: 20, noindex", false),
            ("*: nofollow", true),
            ("", false),
        ] {
            assert_eq!(header_forbids_following(value, "trawl"), expected, "{value:?}");
        }
    }
}
