//! The flags that say what a job is: `url-manager seed`, `url-manager jobs update` and `trawl crawl` have the same.

mod budgets;
mod extract;
mod places;
mod recrawl;
mod scope;
mod traps;

pub use budgets::BudgetArgs;
pub use extract::ExtractArgs;
pub use places::Given;
pub use recrawl::RecrawlArgs;
pub use scope::ScopeArgs;
pub use traps::TrapArgs;

use crate::JobSpec;
use humantime::Duration as HumanDuration;
use std::time::Duration;
use trawl_shared::{
    cli::{CliError, FetchArgs},
    model::RetryRule,
};

/// What a job is.
#[derive(Clone, Debug, clap::Args)]
pub struct JobArgs {
    /// Which URLs belong to it.
    #[command(flatten, next_help_heading = "Scope")]
    pub scope: ScopeArgs,
    /// How much of them.
    #[command(flatten, next_help_heading = "Budgets")]
    pub budgets: BudgetArgs,
    /// How often.
    #[command(flatten, next_help_heading = "Recrawl")]
    pub recrawl: RecrawlArgs,
    /// Which corners are left out.
    #[command(flatten, next_help_heading = "Traps")]
    pub traps: TrapArgs,
    /// What is kept.
    #[command(flatten, next_help_heading = "Extraction")]
    pub extract: ExtractArgs,
    /// Least gap between two requests to one host, such as 500ms; a larger crawl-delay wins [default: 1s, and none
    /// for this machine's own hosts]
    #[arg(long, value_name = "DURATION", help_heading = "Fetching")]
    pub delay: Option<HumanDuration>,
    /// Try failed fetches again in another way than configured (`trawl policies` shows that), such as
    /// network:attempts=6,base=2s,factor=3,cap=10m,jitter=0.5 or throttled:retry-after=2h; classes are network, dns,
    /// server, throttled, unexpected, and all for each; repeatable
    #[arg(long, value_name = "CLASS:KEY=VALUE,...", help_heading = "Fetching")]
    pub retry: Vec<RetryRule>,
    /// How pages are fetched.
    #[command(flatten, next_help_heading = "Fetching")]
    pub fetch: FetchArgs,
}

impl JobArgs {
    /// The job of that name, with credentials for `hosts` where no flag names others.
    ///
    /// # Errors
    /// When a file of certificates or rules can't be read.
    pub fn spec<'a>(
        &self,
        name: impl Into<String>,
        hosts: impl IntoIterator<Item = &'a str>,
    ) -> Result<JobSpec, CliError> {
        let mut spec = JobSpec { name: name.into(), ..JobSpec::default() };
        self.scope.apply(&mut spec);
        self.budgets.apply(&mut spec);
        self.recrawl.apply(&mut spec);
        self.traps.apply(&mut spec);
        spec.delay_ms = self.delay.map(|delay| millis(*delay));
        spec.fetch = self.fetch.settings(hosts)?;
        spec.fetch.retry = self.retry.iter().cloned().collect();
        spec.extract = self.extract.settings()?;
        Ok(spec)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adaptive, Budgets, HostBudget, Recrawl, ScopeKind, ScopeRules, TrapRules};
    use clap::Parser;
    use trawl_shared::model::{FailureClass, LinkKind, LinkKinds, UrlProfile, UrlRules};

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        job: JobArgs,
    }

    fn spec(flags: &str) -> JobSpec {
        let flags = Flags::try_parse_from(["x"].into_iter().chain(flags.split_whitespace()));
        flags.unwrap_or_else(|error| panic!("{error}")).job.spec("default", []).unwrap()
    }

    #[test]
    fn without_flags_it_is_the_default_job() {
        assert_eq!(spec(""), JobSpec::default());
    }

    #[test]
    fn scope_flags() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let found = spec(
            "--scope domain --depth 3 --allow /a --allow /b --deny [?]c --allow-extension html,htm --deny-extension pdf \
             --max-segments 7 --url-profile plain --drop-param ref,from --sort-query --drop-index",
        );
        assert_eq!((found.scope, found.max_depth), (ScopeKind::Domain, Some(3)));
        let rules = ScopeRules {
            allow: texts(&["/a", "/b"]),
            deny: texts(&["[?]c"]),
            allow_extensions: texts(&["html", "htm"]),
            deny_extensions: texts(&["pdf"]),
            max_segments: Some(7),
        };
        assert_eq!(found.rules, rules);
        let urls = UrlRules {
            drop_params: texts(&["ref", "from"]),
            sort_query: true,
            drop_index: true,
            ..UrlRules::of(UrlProfile::Plain)
        };
        assert_eq!(found.urls, urls);
        assert!(!spec("--keep-param utm_*,GCLID").urls.drop_params.iter().any(|name| name == "gclid"));
    }

    #[test]
    fn budget_and_trap_flags() {
        let found = spec(
            "--max-pages 4 --max-bytes 2MiB --max-time 1h --host-max-pages 5 --host-max-bytes 1KiB --host-max-time 2s \
             --priority -3 --expires 2030-01-02T03:04:05Z --max-url-length 100 --max-repeats 2 --max-query-variants 3 \
             --max-dates 4 --max-list-pages 0",
        );
        let host = HostBudget { pages: Some(5), bytes: Some(1024), time_ms: Some(2_000) };
        assert_eq!(found.budgets, Budgets { bytes: Some(2 << 20), time_ms: Some(3_600_000), host });
        assert_eq!((found.max_pages, found.priority), (Some(4), -3));
        assert_eq!(found.expires_at.unwrap().to_string(), "2030-01-02T03:04:05Z");
        let traps = TrapRules { url_length: 100, repeats: 2, query_variants: 3, dates: 4, pages: 0 };
        assert_eq!(found.traps, traps);
        assert_eq!(spec("--no-traps").traps, TrapRules::off());
        let soon = spec("--expires 2h").expires_at.unwrap().duration_since(jiff::Timestamp::now());
        assert!((7_190..=7_200).contains(&soon.as_secs()), "{soon:?}");
    }

    #[test]
    fn recrawl_flags() {
        assert_eq!(spec("--every 2h").recrawl, Some(Recrawl::every(7_200_000)));
        let adaptive = spec("--every adaptive").recrawl.unwrap();
        assert_eq!((adaptive.every_ms, adaptive.adaptive), (86_400_000, Some(Adaptive::default())));
        let bounds =
            "--every adaptive --first-interval 3h --min-interval 2h --max-interval 4h --grow 50 --shrink 10";
        let expected =
            Adaptive { min_ms: 7_200_000, max_ms: 14_400_000, grow_percent: 50, shrink_percent: 10 };
        assert_eq!(spec(bounds).recrawl, Some(Recrawl { every_ms: 10_800_000, adaptive: Some(expected) }));
        let refused =
            |flags: &str| Flags::try_parse_from(["x"].into_iter().chain(flags.split_whitespace())).is_err();
        assert!(refused("--grow 3") && refused("--every often") && refused("--every adaptive --shrink 100"));
    }

    #[test]
    fn fetch_and_extraction_flags() {
        let found = spec(
            "--delay 500ms --retry all:attempts=2 --retry dns:base=3s --sitemaps --timeout 6s --text --markdown --metadata --structured --fingerprints --links img,script --follow a,sitemap",
        );
        assert_eq!((found.delay_ms, found.fetch.sitemaps, found.fetch.timeout_ms), (Some(500), true, 6_000));
        let retry = |class| found.fetch.retry.of(class);
        assert_eq!(
            (retry(FailureClass::Dns).attempts, retry(FailureClass::Dns).base_ms),
            (Some(2), Some(3_000))
        );
        assert_eq!(
            (retry(FailureClass::Server).attempts, retry(FailureClass::Server).base_ms),
            (Some(2), None)
        );
        let extract = &found.extract;
        assert!(
            extract.text
                && extract.markdown
                && extract.metadata
                && extract.structured
                && extract.fingerprints
        );
        assert_eq!(extract.links, LinkKinds::from_iter([LinkKind::Img, LinkKind::Script]));
        assert_eq!(extract.follow, Some(LinkKinds::from_iter([LinkKind::A, LinkKind::Sitemap])));
    }
}
