//! Rules of a job's scope besides its kind: patterns, file extensions, depth of paths.

use regex::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};
use std::fmt;
use trawl_shared::model::{CanonicalUrl, code};

/// Most memory that a job's compiled patterns may take, in bytes: enough for hundreds of them.
const MAX_COMPILED: usize = 4 * 1024 * 1024;

/// Which URLs belong to a job, besides its scope. Seeds always do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeRules {
    /// Regular expressions, one of which a URL has to match somewhere; none is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Regular expressions, none of which a URL may match, also where `allow` has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// File extensions (without the dot) that a URL has to have, if it has one; none is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_extensions: Vec<String>,
    /// File extensions that a URL may not have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny_extensions: Vec<String>,
    /// Most segments of a path; none for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_segments: Option<u32>,
}

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// Why a URL is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One of [`code`].
    pub code: &'static str,
    /// The rule, for people.
    pub rule: String,
}

/// The rules, ready for use.
#[derive(Clone, Debug)]
pub struct CompiledRules {
    rules: ScopeRules,
    allow: RegexSet,
    deny: RegexSet,
}

impl ScopeRules {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// When one of them is no regular expression, or all of them together are too large.
    pub fn compile(&self) -> Result<CompiledRules, PatternError> {
        let compile = |patterns: &[String]| {
            let built = RegexSetBuilder::new(patterns).size_limit(MAX_COMPILED).build();
            built.map_err(|error| PatternError(error.to_string()))
        };
        Ok(CompiledRules { allow: compile(&self.allow)?, deny: compile(&self.deny)?, rules: self.clone() })
    }
}

impl CompiledRules {
    /// The code of the rule that keeps a URL out.
    #[must_use]
    pub fn refuses(&self, url: &CanonicalUrl) -> Option<&'static str> {
        let Self { rules, allow, deny } = self;
        let text = url.as_str();
        if (!deny.is_empty() && deny.is_match(text)) || (!allow.is_empty() && !allow.is_match(text)) {
            return Some(code::DENIED);
        }
        let path = url.as_url().path();
        if rules.max_segments.is_some_and(|most| segments(path) > most as usize) {
            return Some(code::PATH_SEGMENTS);
        }
        if (!rules.allow_extensions.is_empty() || !rules.deny_extensions.is_empty())
            && let Some(extension) = extension(path)
        {
            let listed = |list: &[String]| list.iter().any(|known| known.eq_ignore_ascii_case(extension));
            let allowed = rules.allow_extensions.is_empty() || listed(&rules.allow_extensions);
            return (!allowed || listed(&rules.deny_extensions)).then_some(code::EXTENSION);
        }
        None
    }

    /// The rule behind a code of [`CompiledRules::refuses`], for people.
    #[must_use]
    pub fn describe(&self, url: &CanonicalUrl) -> Option<Refusal> {
        let code = self.refuses(url)?;
        let path = url.as_url().path();
        let rule = match code {
            code::DENIED => match self.deny.matches(url.as_str()).iter().next() {
                Some(at) => format!("matches the denied {:?}", self.rules.deny[at]),
                None => format!("matches none of the {} allowed patterns", self.rules.allow.len()),
            },
            code::PATH_SEGMENTS => format!(
                "{} path segments, at most {} are taken",
                segments(path),
                self.rules.max_segments.unwrap_or_default()
            ),
            _ => format!("files of type {:?} are left out", extension(path).unwrap_or_default()),
        };
        Some(Refusal { code, rule })
    }
}

impl Default for CompiledRules {
    fn default() -> Self {
        Self { rules: ScopeRules::default(), allow: RegexSet::empty(), deny: RegexSet::empty() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)
    }
}

/// Segments of a path that are not empty.
fn segments(path: &str) -> usize {
    path.split('/').filter(|segment| !segment.is_empty()).count()
}

/// What stands behind the last dot of a path's last segment; none where that is nothing, or too long and
/// odd to be the extension of a file.
fn extension(path: &str) -> Option<&str> {
    let file = &path[path.rfind('/').map_or(0, |slash| slash + 1)..];
    let (name, extension) = file.rsplit_once('.')?;
    let plausible = !extension.is_empty()
        && extension.len() <= 8
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plausible && !name.is_empty()).then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(rules: &ScopeRules, url: &str) -> Option<&'static str> {
        let url = CanonicalUrl::parse(url).unwrap();
        let compiled = rules.compile().unwrap();
        let described = compiled.describe(&url).map(|refusal| refusal.code);
        assert_eq!(described, compiled.refuses(&url));
        described
    }

    #[test]
    fn patterns_deny_before_they_allow() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let rules = ScopeRules {
            allow: texts(&["/docs/", "/blog/"]),
            deny: texts(&["[?&]print="]),
            ..ScopeRules::default()
        };
        assert_eq!(refusal(&rules, "http://a.example/docs/x"), None);
        assert_eq!(refusal(&rules, "http://a.example/docs/x?print=1"), Some(code::DENIED));
        assert_eq!(refusal(&rules, "http://a.example/shop/"), Some(code::DENIED));
        let described = rules
            .compile()
            .unwrap()
            .describe(&CanonicalUrl::parse("http://a.example/docs/?print=1").unwrap());
        assert_eq!(described.unwrap().to_string(), "matches the denied \"[?&]print=\"");
    }

    #[test]
    fn extensions_are_those_of_files() {
        let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let rules = ScopeRules { deny_extensions: list(&["pdf"]), ..ScopeRules::default() };
        assert_eq!(refusal(&rules, "http://a.example/x.PDF?y"), Some(code::EXTENSION));
        assert_eq!(refusal(&rules, "http://a.example/pdf"), None);
        let rules = ScopeRules { allow_extensions: list(&["html"]), ..ScopeRules::default() };
        assert_eq!(refusal(&rules, "http://a.example/x.html"), None);
        assert_eq!(refusal(&rules, "http://a.example/x.zip"), Some(code::EXTENSION));
        assert_eq!(refusal(&rules, "http://a.example/v1.2/folder/"), None);
        assert_eq!(refusal(&rules, "http://a.example/.well-known"), None);
    }

    #[test]
    fn paths_have_a_depth() {
        let rules = ScopeRules { max_segments: Some(2), ..ScopeRules::default() };
        assert_eq!(refusal(&rules, "http://a.example/a//b/"), None);
        assert_eq!(refusal(&rules, "http://a.example/a/b/c"), Some(code::PATH_SEGMENTS));
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        let rules = ScopeRules { deny: vec!["(".to_owned()], ..ScopeRules::default() };
        assert!(rules.compile().unwrap_err().to_string().contains("unclosed group"));
        let rules = ScopeRules { deny: vec!["(a{1000}){1000}".to_owned()], ..ScopeRules::default() };
        assert!(rules.compile().is_err(), "too large");
    }
}
