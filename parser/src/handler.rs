//! The service: a fetched page in, the end of its task out.

use crate::{
    header_links,
    parse::{Document, parse},
    robots_meta,
    settings::Settings,
    sitemap,
};
use std::borrow::Cow;
use trawl_shared::{
    blob::Bodies,
    model::{Outcome, RobotsPolicy, ScrapedPage, TaskEnded, Validators, code},
    runtime::{Context, Failure, Handler},
};
use xxhash_rust::xxh3::xxh3_128;

/// Parses pages. It keeps no state, and asks nobody but for a body that its record only names.
#[derive(Debug, Default)]
pub struct ParseHandler {
    settings: Settings,
    bodies: Bodies,
}

impl ParseHandler {
    /// A handler with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, bodies: Bodies::default() }
    }

    /// The same handler; the bodies that records only name are here.
    #[must_use]
    pub fn with_bodies(self, bodies: Bodies) -> Self {
        Self { bodies, ..self }
    }

    /// How the task of a page ends. Every page ends well: what can't be read is stored unread.
    #[must_use]
    pub fn end(&self, scraped: ScrapedPage) -> TaskEnded {
        let content_type = scraped.header("content-type").map(str::to_owned);
        let settings = self.settings_for(&scraped);
        let mut parsed = parse(
            &Document {
                url: scraped.origin.url.as_url(),
                content_type: content_type.as_deref(),
                charset: scraped.charset.as_deref(),
                body: &scraped.body,
            },
            &scraped.extract,
            &settings,
        );
        header_links::add(
            &scraped.headers,
            scraped.origin.url.as_url(),
            &scraped.extract,
            &settings,
            &mut parsed,
        );
        // A record says it once, as the code of the end.
        let code = parsed.page.outcome.take().unwrap_or(Cow::Borrowed(code::OK));
        let follow = scraped.robots == RobotsPolicy::Ignore
            || headers_allow_following(&scraped, &settings.robot_name) && parsed.allows_following;
        let follow = sitemap::add_named(&mut parsed, scraped.sitemaps, follow);
        let says_something = code != code::NOT_PARSED || !parsed.page.links.is_empty();
        let page = says_something.then(|| Box::new(parsed.page));
        TaskEnded {
            detail: parsed.cut,
            status: Some(scraped.status),
            fetched_at: Some(scraped.fetched_at),
            content_type,
            body_bytes: scraped.body.len() as u64,
            crawl_delay_ms: scraped.crawl_delay_ms,
            address: scraped.address,
            validators: Validators::of(&scraped.headers),
            content_hash: Some(format!("{:032x}", xxh3_128(&scraped.body))),
            follow,
            page,
            ..TaskEnded::without_page(scraped.origin, Outcome::Stored, code)
        }
    }

    /// The settings, with the name that the job's crawler goes by.
    fn settings_for(&self, scraped: &ScrapedPage) -> Cow<'_, Settings> {
        match &scraped.robot_name {
            Some(name) if *name != self.settings.robot_name => {
                Cow::Owned(Settings { robot_name: name.clone(), ..self.settings.clone() })
            }
            _ => Cow::Borrowed(&self.settings),
        }
    }
}

fn headers_allow_following(scraped: &ScrapedPage, robot: &str) -> bool {
    let mut tags = scraped.headers.iter().filter(|(name, _)| name == "x-robots-tag");
    !tags.any(|(_, value)| robots_meta::header_forbids_following(value, robot))
}

impl Handler for ParseHandler {
    const NAME: &'static str = "parser";
    type In = ScrapedPage;
    type Out = TaskEnded;

    async fn handle(&self, scraped: ScrapedPage, _: &Context) -> Result<TaskEnded, Failure> {
        Ok(self.end(self.bodies.bring_back(scraped).await?))
    }
}
