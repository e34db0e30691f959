//! Which URLs belong to a job.

use crate::{JobSpec, ScopeKind, ScopeRules};
use regex::Regex;
use trawl_shared::model::{UrlProfile, UrlRules};

/// Which URLs belong to the job, and which of them are one page.
#[derive(Clone, Debug, clap::Args)]
pub struct ScopeArgs {
    /// Which URLs belong to the job: those of the seeds' hosts, domains (with all their hosts), folders, or any
    #[arg(long, value_enum, default_value_t = ScopeKind::Host)]
    pub scope: ScopeKind,
    /// Most links between a seed and a page [default: no limit]
    #[arg(long, value_name = "N")]
    pub depth: Option<u32>,
    /// Take URLs that match this regular expression somewhere; repeatable, one match is enough
    #[arg(long, value_name = "REGEX")]
    pub allow: Vec<Regex>,
    /// Leave URLs out that match this regular expression; repeatable
    #[arg(long, value_name = "REGEX")]
    pub deny: Vec<Regex>,
    /// Of URLs with a file extension, take these only, such as html,htm
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub allow_extension: Vec<String>,
    /// Leave URLs with these file extensions out, such as zip,exe
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub deny_extension: Vec<String>,
    /// Most segments of a path [default: no limit]
    #[arg(long, value_name = "N")]
    pub max_segments: Option<u32>,
    /// Rules by which URLs are one page (`url-manager canonicalize` shows what they do)
    #[arg(long, value_enum, default_value_t = UrlProfile::Crawl)]
    pub url_profile: UrlProfile,
    /// Remove these query parameters besides those of the profile; `*` at the end stands for anything
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub drop_param: Vec<String>,
    /// Keep these query parameters that the profile would remove, named as it names them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub keep_param: Vec<String>,
    /// Put query parameters in the order of their names
    #[arg(long)]
    pub sort_query: bool,
    /// Remove index files at the end of a path: /docs/index.html is /docs/
    #[arg(long)]
    pub drop_index: bool,
}

impl ScopeArgs {
    /// A profile's rules with these changes.
    pub(crate) fn rules_of(
        profile: UrlProfile,
        drop: &[String],
        keep: &[String],
        sort_query: bool,
        drop_index: bool,
    ) -> UrlRules {
        let mut rules = UrlRules::of(profile);
        rules.drop_params.retain(|name| !keep.iter().any(|keep| keep.eq_ignore_ascii_case(name)));
        rules.drop_params.extend_from_slice(drop);
        rules.sort_query |= sort_query;
        rules.drop_index |= drop_index;
        rules
    }

    pub(super) fn apply(&self, spec: &mut JobSpec) {
        let texts = |patterns: &[Regex]| patterns.iter().map(|regex| regex.as_str().to_owned()).collect();
        spec.scope = self.scope;
        spec.max_depth = self.depth;
        spec.rules = ScopeRules {
            allow: texts(&self.allow),
            deny: texts(&self.deny),
            allow_extensions: self.allow_extension.clone(),
            deny_extensions: self.deny_extension.clone(),
            max_segments: self.max_segments,
        };
        spec.urls = Self::rules_of(
            self.url_profile,
            &self.drop_param,
            &self.keep_param,
            self.sort_query,
            self.drop_index,
        );
    }
}
