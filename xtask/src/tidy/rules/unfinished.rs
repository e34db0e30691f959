//! Nothing is committed that only pretends to be there: no placeholders, no debug prints, no switched-off tests.

use crate::tidy::Finding;
use crate::tidy::code::words;
use crate::tidy::repository::{Repository, TextFile};

/// A word, what must stand around it to be meant, and how we call it.
const MARKS: [(&str, Place, &str); 4] = [
    ("todo", Place::Macro, "todo!"),
    ("unimplemented", Place::Macro, "unimplemented!"),
    ("dbg", Place::Macro, "dbg!"),
    ("ignore", Place::Attribute, "#[ignore]"),
];

#[derive(Clone, Copy)]
enum Place {
    /// `word!`
    Macro,
    /// `#[word]` or `#[word = "…"]`
    Attribute,
}

impl Place {
    fn is_here(self, before: &str, after: &str) -> bool {
        match self {
            Self::Macro => after.starts_with('!') && !after.starts_with("!="),
            Self::Attribute => {
                let before = before.trim_end();
                // Also as the second word of `cfg_attr(…, ignore)`.
                let in_cfg =
                    before.rsplit("#[").next().is_some_and(|inner| inner.trim().starts_with("cfg_attr("));
                before.ends_with("#[") || (in_cfg && before.ends_with(','))
            }
        }
    }
}

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    repository.rust().flat_map(marks).collect()
}

fn marks(file: &TextFile) -> Vec<Finding> {
    let code = file.code();
    let mut findings = Vec::new();
    for (word, place, name) in MARKS {
        let here = words(code, word).filter(|at| place.is_here(&code[..*at], &code[at + word.len()..]));
        findings.extend(here.map(|at| Finding::new(&file.path, file.line_of(at), name)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_found() {
        let found = |code: &str| -> Vec<String> {
            check(&Repository::of(&[("a/tests/t.rs", code)]))
                .into_iter()
                .map(|finding| finding.what)
                .collect()
        };
        assert_eq!(found("fn f() { todo!() }"), ["todo!"]);
        assert_eq!(found("std::unimplemented!(\"x\")"), ["unimplemented!"]);
        assert_eq!(found("let x = dbg!(y);"), ["dbg!"]);
        assert_eq!(found("#[ignore = \"slow\"]\n#[test]"), ["#[ignore]"]);
        assert_eq!(found("#[cfg_attr(windows, ignore)]"), ["#[ignore]"]);
        assert!(found("// todo!\nlet todo = \"dbg!\"; if todo != x { ignore(x) }").is_empty());
    }
}
