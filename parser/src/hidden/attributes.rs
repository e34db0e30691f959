//! The attributes that hold addresses: of HTML, of HTML as it was, and of SVG.

/// How an attribute holds addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It is one.
    Address,
    /// It is one, and others are relative to it.
    Base,
    /// It lists them, with spaces or commas between.
    Addresses,
    /// It lists them as `srcset` does.
    Candidates,
    /// It has them in declarations of CSS.
    Style,
    /// It is a document.
    Markup,
}

/// How the attribute holds addresses; the name is `element attribute` in any case where it matters on which element it
/// stands.
#[must_use]
pub fn holds(name: &str) -> Option<Holds> {
    /// Longest name below, which bounds the work for each attribute of a page.
    const LONGEST: usize = 14;
    if name.len() > LONGEST {
        return None;
    }
    let holds = match name.to_ascii_lowercase().as_str() {
        "href" | "src" | "action" | "formaction" | "data" | "poster" | "xlink:href" | "cite" | "longdesc" => {
            Holds::Address
        }
        "background" | "codebase" | "manifest" | "icon" | "lowsrc" | "dynsrc" | "implementation" => {
            Holds::Address
        }
        "base href" => Holds::Base,
        "ping" | "archive" | "profile" => Holds::Addresses,
        "srcset" | "imagesrcset" => Holds::Candidates,
        "style" => Holds::Style,
        "srcdoc" => Holds::Markup,
        _ => return None,
    };
    Some(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_case() {
        assert_eq!(holds("LongDesc"), Some(Holds::Address));
        assert_eq!(holds("BASE HREF"), Some(Holds::Base));
        assert_eq!(holds("implementation"), Some(Holds::Address));
        assert_eq!(holds("class"), None);
        assert_eq!(holds(&"href".repeat(100)), None);
    }
}
