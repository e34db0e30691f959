//! What a job takes to be one page, besides what no server can tell apart.

use super::{CanonicalUrl, UrlError, canonical::respell, escapes::escape_strictly, query};
use serde::{Deserialize, Serialize};
use url::Url;

/// Parameters that say where a visitor comes from and nothing about the page.
pub const TRACKING_PARAMS: [&str; 20] = [
    "utm_*", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "yclid", "twclid",
    "ttclid", "igshid", "mc_cid", "mc_eid", "mkt_tok", "_ga", "_gl", "_hsenc", "_hsmi", "vero_id",
];

/// Parameters that carry a session: each visitor gets another one. Also found behind a `;` in a path.
pub const SESSION_PARAMS: [&str; 5] = ["jsessionid", "phpsessid", "aspsessionid*", "cfid", "cftoken"];

/// What the tests of crawler-commons remove.
const CRAWLER_COMMONS_PARAMS: [&str; 4] = ["jsessionid", "phpsessid", "sessionid", "sid"];

/// File names that a server answers a folder with.
const INDEX_FILES: [&str; 12] = [
    "index.html",
    "index.htm",
    "index.shtml",
    "index.xhtml",
    "index.php",
    "index.asp",
    "index.aspx",
    "index.jsp",
    "index.cgi",
    "default.htm",
    "default.asp",
    "default.aspx",
];

/// Rules with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum UrlProfile {
    /// Only what no server can tell apart
    Plain,
    /// Without tracking and session parameters: the default of a job
    #[default]
    Crawl,
    /// As crawler-commons' BasicURLNormalizer has it: session parameters removed, parameters sorted, double slashes collapsed, stray characters escaped
    CrawlerCommons,
}

/// Which URLs of a job are one page. Rules are applied to every URL that enters the job (seeds, links,
/// redirect targets), and twice is the same as once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UrlRules {
    /// Parameters that are removed from queries, and from paths where they stand behind a `;`. Case does
    /// not matter; `*` at the end stands for anything.
    pub drop_params: Vec<String>,
    /// Put parameters in the order of their names, and remove those without a name.
    pub sort_query: bool,
    /// Remove index files at the end of a path (`/docs/index.html` is `/docs/`).
    pub drop_index: bool,
    /// Make one slash of several in a path.
    pub collapse_slashes: bool,
    /// Escape what RFC 3986 has no room for, though browsers send it as it is.
    pub strict_escapes: bool,
}

impl Default for UrlRules {
    fn default() -> Self {
        Self::of(UrlProfile::default())
    }
}

impl UrlRules {
    /// The rules of a profile.
    #[must_use]
    pub fn of(profile: UrlProfile) -> Self {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let plain = Self {
            drop_params: Vec::new(),
            sort_query: false,
            drop_index: false,
            collapse_slashes: false,
            strict_escapes: false,
        };
        match profile {
            UrlProfile::Plain => plain,
            UrlProfile::Crawl => {
                Self { drop_params: named(&[&TRACKING_PARAMS[..], &SESSION_PARAMS].concat()), ..plain }
            }
            UrlProfile::CrawlerCommons => Self {
                drop_params: named(&CRAWLER_COMMONS_PARAMS),
                sort_query: true,
                collapse_slashes: true,
                strict_escapes: true,
                ..plain
            },
        }
    }

    /// The canonical URL of a text; a user name and password in it are dropped.
    ///
    /// # Errors
    /// When the text is not a URL that can be crawled.
    pub fn parse(&self, text: &str) -> Result<CanonicalUrl, UrlError> {
        if text.len() > super::MAX_URL_LENGTH {
            return Err(UrlError::TooLong(text.len()));
        }
        let mut url = Url::parse(text).map_err(UrlError::Syntax)?;
        drop_credentials(&mut url);
        self.canonical(CanonicalUrl::from_url(url)?)
    }

    /// The URL by these rules.
    ///
    /// # Errors
    /// [`UrlError::TooLong`] when escaping made it so.
    pub fn canonical(&self, url: CanonicalUrl) -> Result<CanonicalUrl, UrlError> {
        if self.leaves_alone(url.as_url()) {
            return Ok(url);
        }
        let mut changed = url.as_url().clone();
        self.apply(&mut changed);
        CanonicalUrl::from_url(changed)
    }

    /// Applies the rules to a URL of any scheme until nothing changes: one rule can make work for
    /// another, and each of them shortens the URL or escapes for good, so this ends.
    pub(super) fn apply(&self, url: &mut Url) {
        respell(url);
        while self.change(url) {
            respell(url);
        }
    }

    /// A quick look: most links have no query, and a plain path.
    fn leaves_alone(&self, url: &Url) -> bool {
        let path = url.path();
        let touched = url.query().is_some()
            || path.contains(';')
            || (self.drop_index && index_file(path).is_some())
            || (self.collapse_slashes && path.contains("//"))
            || (self.strict_escapes && escape_strictly(path).is_some());
        !touched
    }

    fn change(&self, url: &mut Url) -> bool {
        self.change_path(url) | self.change_query(url)
    }

    fn change_path(&self, url: &mut Url) -> bool {
        let path = url.path();
        let changed = without_path_params(path, &self.drop_params)
            .or_else(|| self.collapse_slashes.then(|| single_slashes(path)).flatten())
            .or_else(|| self.drop_index.then(|| index_file(path).map(str::to_owned)).flatten())
            .or_else(|| self.strict_escapes.then(|| escape_strictly(path)).flatten());
        let Some(changed) = changed else { return false };
        // The parser may have its own mind about a path (a drive letter of a `file:` URL).
        let before = path.to_owned();
        url.set_path(&changed);
        url.path() != before
    }

    fn change_query(&self, url: &mut Url) -> bool {
        let Some(query) = url.query() else { return false };
        let changed = query::without(query, &self.drop_params)
            .or_else(|| self.sort_query.then(|| query::sorted(query)).flatten())
            .or_else(|| self.strict_escapes.then(|| escape_strictly(query)).flatten());
        let Some(changed) = changed else { return false };
        url.set_query(Some(&changed).filter(|query| !query.is_empty()).map(String::as_str));
        true
    }
}

/// Only where there can be a user: `set_username` answers an error else, and there is none to drop.
pub(super) fn drop_credentials(url: &mut Url) {
    if !url.username().is_empty() || url.password().is_some() {
        let _ = url.set_password(None);
        let _ = url.set_username("");
    }
}

/// The path without listed `;name=value` parameters. `None` where nothing changes.
fn without_path_params(path: &str, list: &[String]) -> Option<String> {
    if !path.contains(';') || list.is_empty() {
        return None;
    }
    let segment = |segment: &str| {
        let mut parts = segment.split(';');
        let mut kept = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let name = part.split_once('=').map_or(part, |(name, _)| name);
            if !query::is_listed(name, list) {
                kept.push(';');
                kept.push_str(part);
            }
        }
        kept
    };
    let kept = path.split('/').map(segment).collect::<Vec<_>>().join("/");
    (kept != path).then_some(kept)
}

fn single_slashes(path: &str) -> Option<String> {
    if !path.contains("//") {
        return None;
    }
    let mut single = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    Some(single)
}

/// The path up to an index file at its end.
fn index_file(path: &str) -> Option<&str> {
    let (folder, file) = path.split_at(path.rfind('/')? + 1);
    INDEX_FILES.iter().any(|name| name.eq_ignore_ascii_case(file)).then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(rules: &UrlRules, input: &str, expected: &str) {
        assert_eq!(rules.parse(input).unwrap().as_str(), expected);
    }

    #[test]
    fn a_crawl_drops_what_says_nothing_about_the_page() {
        let rules = UrlRules::default();
        check(&rules, "http://u:p@a.example/x?utm_Source=y&b=2&a=1&gclid=z#f", "http://a.example/x?b=2&a=1");
        check(&rules, "http://a.example/x?fbclid=y", "http://a.example/x");
        check(&rules, "http://a.example/x;JSESSIONID=1;v=2/y;jsessionid=3?q", "http://a.example/x;v=2/y?q");
        check(&rules, "http://a.example/a//b/index.html?&b&a", "http://a.example/a//b/index.html?&b&a");
    }

    #[test]
    fn a_plain_profile_drops_nothing() {
        let rules = UrlRules::of(UrlProfile::Plain);
        check(
            &rules,
            "http://a.example/x;jsessionid=1?utm_source=y",
            "http://a.example/x;jsessionid=1?utm_source=y",
        );
    }

    #[test]
    fn one_rule_makes_work_for_another() {
        let rules = UrlRules {
            drop_index: true,
            collapse_slashes: true,
            strict_escapes: true,
            sort_query: true,
            ..UrlRules::default()
        };
        check(&rules, "http://a.example/b//Index.PHP;jsessionid=1", "http://a.example/b/");
        check(&rules, "http://a.example/b/..;jsessionid=1//c", "http://a.example/c");
        check(&rules, "http://a.example/%?b=[&a=%zz", "http://a.example/%25?a=%25zz&b=%5B");
    }

    fn rules() -> impl Strategy<Value = UrlRules> {
        (any::<[bool; 4]>(), 0..3usize).prop_map(|(flags, profile)| {
            let profile = [UrlProfile::Plain, UrlProfile::Crawl, UrlProfile::CrawlerCommons][profile];
            let [sort_query, drop_index, collapse_slashes, strict_escapes] = flags;
            UrlRules { sort_query, drop_index, collapse_slashes, strict_escapes, ..UrlRules::of(profile) }
        })
    }

    proptest! {
        #[test]
        fn twice_is_once(
            rules in rules(),
            path in prop::collection::vec(
                prop_oneof!["[ -~]{0,6}", Just("%2".to_owned()), Just("e".to_owned()), Just("/".to_owned()),
                    Just(";jsessionid=".to_owned()), Just("index.html".to_owned()), Just(".".to_owned()),
                    Just("?".to_owned()), Just("&sid=".to_owned()), Just("é".to_owned())],
                0..12),
        ) {
            if let Ok(once) = rules.parse(&format!("http://host.example/{}", path.concat())) {
                prop_assert_eq!(&rules.canonical(once.clone()).unwrap(), &once);
                prop_assert_eq!(&CanonicalUrl::parse(once.as_str()).unwrap(), &once);
            }
        }

        #[test]
        fn no_text_panics(rules in rules(), text in "\\PC{0,80}") {
            let _ = rules.parse(&text);
        }
    }
}
