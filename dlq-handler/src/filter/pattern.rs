//! Patterns of text: `*` is any run of characters, `?` any one, `\` takes the next as it is.

/// Most characters of a pattern, so that matching stays cheap for the databases.
const MOST: usize = 1000;

/// A text with places that are left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Is(char),
    One,
    Any,
}

impl Pattern {
    /// Reads alternatives that `|` parts.
    pub(super) fn alternatives(text: &str) -> Result<Vec<Self>, String> {
        if text.chars().count() > MOST {
            return Err(format!("longer than {MOST} characters"));
        }
        if text.contains('\0') {
            return Err("no text holds the character NUL".to_owned());
        }
        let mut all = vec![Self(Vec::new())];
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            let piece = match c {
                '|' => {
                    all.push(Self(Vec::new()));
                    continue;
                }
                '\\' => Piece::Is(characters.next().ok_or("it ends in a lone \\")?),
                '*' => Piece::Any,
                '?' => Piece::One,
                c => Piece::Is(c),
            };
            if let Some(Self(pieces)) = all.last_mut()
                && (piece != Piece::Any || pieces.last() != Some(&Piece::Any))
            {
                pieces.push(piece);
            }
        }
        Ok(all)
    }

    /// The text as a pattern that is like nothing else.
    pub(super) fn quoted(text: &str) -> String {
        let mut quoted = String::with_capacity(text.len());
        for c in text.chars() {
            if matches!(c, '*' | '?' | '|' | '\\' | '"') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one text it is like, where it leaves nothing open.
    pub(super) fn literal(&self) -> Option<String> {
        self.0.iter().map(|piece| if let Piece::Is(c) = piece { Some(*c) } else { None }).collect()
    }

    /// For PostgreSQL's `LIKE`.
    #[cfg(any(feature = "postgres", test))]
    pub(super) fn like(&self) -> String {
        self.rewritten("_", "%", |c, out| {
            if matches!(c, '_' | '%' | '\\') {
                out.push('\\');
            }
            out.push(c);
        })
    }

    /// For SQLite's `GLOB`.
    pub(super) fn glob(&self) -> String {
        self.rewritten("?", "*", |c, out| {
            if matches!(c, '*' | '?' | '[') {
                out.extend(['[', c, ']']);
            } else {
                out.push(c);
            }
        })
    }

    fn rewritten(&self, one: &str, any: &str, is: impl Fn(char, &mut String)) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::One => text.push_str(one),
                Piece::Any => text.push_str(any),
                Piece::Is(c) => is(*c, &mut text),
            }
        }
        text
    }

    /// Whether a text is like it. Goes back to the last `*` only, which is enough.
    pub(super) fn admits(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut place) = (0, 0);
        let mut back: Option<(usize, usize)> = None;
        while place < text.len() {
            match self.0.get(at) {
                Some(Piece::Any) => {
                    back = Some((at, place));
                    at += 1;
                }
                Some(piece) if *piece == Piece::One || *piece == Piece::Is(text[place]) => {
                    at += 1;
                    place += 1;
                }
                _ => {
                    let Some((star, from)) = back else { return false };
                    back = Some((star, from + 1));
                    at = star + 1;
                    place = from + 1;
                }
            }
        }
        self.0[at..].iter().all(|piece| *piece == Piece::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let admits = |pattern: &str, text: &str| {
            Pattern::alternatives(pattern).unwrap().iter().any(|pattern| pattern.admits(text))
        };
        for (pattern, text, expected) in [
            ("timeout", "timeout", true),
            ("timeout", "timeout2", false),
            ("*.example", "a.b.example", true),
            ("*.example", "example", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("?", "é", true),
            ("?", "", false),
            ("*", "", true),
            ("", "", true),
            ("a|b*", "bx", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            (r"a\|b", "a|b", true),
        ] {
            assert_eq!(admits(pattern, text), expected, "{pattern} {text}");
        }
        assert!(Pattern::alternatives("\\").is_err());
        assert!(Pattern::alternatives("\0").is_err());
        assert!(Pattern::alternatives(&"x".repeat(1001)).is_err());
    }

    #[test]
    fn every_database_gets_its_own_spelling() {
        let pattern = &Pattern::alternatives(r"a_%\\[*?\*").unwrap()[0];
        assert_eq!(pattern.like(), r"a\_\%\\[%_*");
        assert_eq!(pattern.glob(), r"a_%\[[]*?[*]");
        assert_eq!(pattern.literal(), None);
        let text = r#"a*b?c|d\e"f"#;
        assert_eq!(
            Pattern::alternatives(&Pattern::quoted(text)).unwrap()[0].literal().as_deref(),
            Some(text)
        );
    }
}
