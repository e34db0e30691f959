//! From what was found to the pieces that are values: regex, split, trim, pick, join, in this order.

use regex::Regex;
use std::borrow::Cow;

/// What is done to texts.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Keeps the first group of the first match, or the whole match where there is no group.
    pub(super) regex: Option<Regex>,
    /// Parts a text.
    pub(super) split: Option<String>,
    /// Collapses white space; what is empty is dropped either way.
    pub(super) trim: Trim,
    /// Keeps one piece: from the front, or from the end where negative.
    pub(super) pick: Option<i64>,
    /// Makes all one.
    pub(super) join: Option<String>,
}

/// What happens to white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trim {
    /// Nothing.
    No,
    /// None at the ends.
    Ends,
    /// A space for each run, none at the ends.
    Collapse,
}

impl Pieces {
    /// Whether a piece depends on those behind it.
    pub(super) fn need_all(&self) -> bool {
        self.pick.is_some() || self.join.is_some()
    }

    pub(super) fn of<'t>(&self, texts: Vec<Cow<'t, str>>) -> Vec<Cow<'t, str>> {
        let mut pieces = Vec::with_capacity(texts.len());
        for text in texts {
            let Some(text) = self.matched(text) else { continue };
            match &self.split {
                Some(separator) => {
                    pieces.extend(text.split(separator.as_str()).map(|part| Cow::Owned(part.to_owned())));
                }
                None => pieces.push(text),
            }
        }
        let mut pieces: Vec<_> = pieces
            .into_iter()
            .map(|piece| self.trim.apply(piece))
            .filter(|piece| !piece.is_empty())
            .collect();
        if let Some(pick) = self.pick {
            let index = usize::try_from(pick).ok().or_else(|| {
                let from_end = usize::try_from(pick.unsigned_abs()).ok()?;
                pieces.len().checked_sub(from_end)
            });
            pieces = match index {
                Some(index) if index < pieces.len() => vec![pieces.swap_remove(index)],
                _ => Vec::new(),
            };
        }
        match &self.join {
            Some(separator) if !pieces.is_empty() => vec![Cow::Owned(pieces.join(separator))],
            _ => pieces,
        }
    }

    fn matched<'t>(&self, text: Cow<'t, str>) -> Option<Cow<'t, str>> {
        let Some(regex) = &self.regex else { return Some(text) };
        let captures = regex.captures(&text)?;
        // Of several groups the one that took part counts: `(\d+) left|only (\d+)`.
        let group = (1..captures.len()).find_map(|group| captures.get(group)).or_else(|| captures.get(0))?;
        Some(Cow::Owned(group.as_str().to_owned()))
    }
}

impl Trim {
    fn apply(self, text: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::No => text,
            Self::Ends if text.trim().len() == text.len() => text,
            Self::Ends => Cow::Owned(text.trim().to_owned()),
            Self::Collapse => {
                let is_clean = !text.starts_with(char::is_whitespace)
                    && !text.ends_with(char::is_whitespace)
                    && !text.contains("  ")
                    && text.chars().all(|c| c == ' ' || !c.is_whitespace());
                if is_clean {
                    return text;
                }
                Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &Pieces, texts: &[&'static str], expected: &[&str]) {
        assert_eq!(pieces.of(texts.iter().map(|text| Cow::Borrowed(*text)).collect()), expected);
    }

    fn pieces() -> Pieces {
        Pieces { regex: None, split: None, trim: Trim::Collapse, pick: None, join: None }
    }

    #[test]
    fn each_step_by_itself() {
        check(&pieces(), &[" a \n b ", "", " \n"], &["a b"]);
        check(&Pieces { trim: Trim::No, ..pieces() }, &[" a ", ""], &[" a "]);
        check(&Pieces { trim: Trim::Ends, ..pieces() }, &[" a\n\nb "], &["a\n\nb"]);
        let regex = |text| Some(Regex::new(text).unwrap());
        check(&Pieces { regex: regex(r"\d+"), ..pieces() }, &["a 12", "b", "3"], &["12", "3"]);
        check(&Pieces { regex: regex(r"(\d+) left|only (\d+)"), ..pieces() }, &["only 3"], &["3"]);
        check(&Pieces { split: Some(",".into()), ..pieces() }, &["a, b,,c"], &["a", "b", "c"]);
        check(&Pieces { join: Some("; ".into()), ..pieces() }, &["a", "b"], &["a; b"]);
        check(&Pieces { join: Some("; ".into()), ..pieces() }, &[], &[]);
    }

    #[test]
    fn picks_from_both_ends() {
        for (pick, expected) in
            [(0, &["a"][..]), (2, &["c"]), (-1, &["c"]), (-3, &["a"]), (3, &[]), (-4, &[])]
        {
            check(&Pieces { split: Some(" ".into()), pick: Some(pick), ..pieces() }, &["a b c"], expected);
        }
    }
}
