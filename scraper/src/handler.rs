//! The service: a task in, a page or an outcome out.

use crate::{
    fetch_page::{Ask, Fetched, Fetcher, NoAnswer},
    http::{BuildError, Response, Unwanted, millis},
    robots::product_token,
    settings::Settings,
    status::Policy,
};
use anyhow::anyhow;
use std::{borrow::Cow, time::Duration};
use trawl_shared::{
    blob::Bodies,
    content::{
        charset::of_response,
        mime::{differing_essence, sniff},
    },
    model::{CanonicalUrl, FetchSettings, FetchTask, Outcome, ScrapedPage, TaskEnded, Validators, code},
    runtime::{Context, Failure, FailureClass, Handler},
};

/// Fetches what tasks name.
#[derive(Debug)]
pub struct FetchHandler {
    fetcher: Fetcher,
    bodies: Bodies,
}

impl FetchHandler {
    /// Sets the fetcher up.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(settings: &Settings) -> Result<Self, BuildError> {
        Ok(Self { fetcher: Fetcher::new(settings)?, bodies: Bodies::default() })
    }

    /// The same handler; bodies too large for a record go here.
    #[must_use]
    pub fn with_bodies(self, bodies: Bodies) -> Self {
        Self { bodies, ..self }
    }

    /// The fetcher.
    #[must_use]
    pub fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }
}

/// A page for the parser, or the end of the task.
type Answer = (Option<ScrapedPage>, Option<TaskEnded>);

impl Handler for FetchHandler {
    const NAME: &'static str = "scraper";
    type In = FetchTask;
    type Out = Answer;
    /// A host has one asker: the owner of its partition.
    const OWNED: bool = true;

    fn assigned(&self) {
        self.fetcher.handed_over();
    }

    async fn handle(&self, task: FetchTask, context: &Context) -> Result<Answer, Failure> {
        let ask = Ask {
            url: &task.origin.url,
            job: task.origin.job,
            settings: &task.fetch,
            validators: task.validators.as_ref(),
            earliest: task.earliest_fetch_at,
        };
        let Fetched { result, crawl_delay, sitemaps } = self.fetcher.fetch(ask).await;
        let meters = self.fetcher.polite().meters();
        meters.answered(&result, context.envelope.trace);
        let answer = match result {
            Ok(response) => match answered(task, response, crawl_delay, sitemaps) {
                Ok((Some(page), ended)) => self.bodies.put_aside(page).await.map(|page| (Some(page), ended)),
                answer => answer,
            },
            Err(no) => unanswered(task, no, crawl_delay),
        };
        meters.ended(&answer);
        answer
    }
}

fn answered(
    task: FetchTask,
    response: Response,
    crawl_delay: Option<Duration>,
    sitemaps: Vec<String>,
) -> Result<Answer, Failure> {
    match response.policy() {
        Policy::Page => match unwanted(&task, &response) {
            Some(why) => {
                let end = TaskEnded {
                    detail: Some(why.to_string()),
                    ..TaskEnded::without_page(task.origin, Outcome::Excluded, why.code())
                };
                Ok(ended(end, &response, crawl_delay))
            }
            None => Ok((Some(ScrapedPage { sitemaps, ..page(task, response, crawl_delay) }), None)),
        },
        Policy::Unchanged if task.validators.is_some() => {
            let end = TaskEnded {
                // An answer may name only what changed of them.
                validators: Validators::of(&response.headers).or(task.validators),
                ..TaskEnded::without_page(task.origin, Outcome::Unchanged, code::NOT_MODIFIED)
            };
            Ok(ended(end, &response, crawl_delay))
        }
        Policy::Redirect => Ok(ended(redirect(task, &response), &response, crawl_delay)),
        Policy::Gone => {
            let end = TaskEnded::without_page(task.origin, Outcome::Gone, status_code(response.status));
            Ok(ended(end, &response, crawl_delay))
        }
        Policy::Unchanged | Policy::Nonsense => {
            let end = TaskEnded {
                detail: Some(format!("status {} answers no request of ours", response.status)),
                ..TaskEnded::without_page(task.origin, Outcome::Gone, code::BAD_RESPONSE)
            };
            Ok(ended(end, &response, crawl_delay))
        }
        Policy::Retry => Err(Failure::retry(
            FailureClass::Server,
            code::SERVER_ERROR,
            anyhow!("the server answered {}", response.status),
        )
        .with_retry_after(response.retry_after())),
        Policy::Throttled => Err(Failure::retry(
            FailureClass::Throttled,
            code::THROTTLED,
            anyhow!("the server answered {}: it asks for fewer requests", response.status),
        )
        .with_retry_after(response.retry_after())),
    }
}

fn unanswered(task: FetchTask, no: NoAnswer, crawl_delay: Option<Duration>) -> Result<Answer, Failure> {
    let excluded = |code: &'static str, detail: String| {
        let end = TaskEnded {
            detail: Some(detail),
            crawl_delay_ms: crawl_delay.map(millis),
            ..TaskEnded::without_page(task.origin, Outcome::Excluded, code)
        };
        Ok((None, Some(end)))
    };
    match no {
        NoAnswer::Disallowed(rule) => excluded(code::ROBOTS_DISALLOWED, rule),
        NoAnswer::Robots(why) => {
            Err(Failure::retry(why.class, why.code, anyhow!("{why}")).with_retry_after(why.retry_after))
        }
        NoAnswer::Wait(too_long) => Err(Failure::later(too_long.0, too_long.to_string())),
        NoAnswer::Http(error) if error.is_final() => excluded(error.code(), error.to_string()),
        NoAnswer::Http(error) => Err(Failure::retry(error.class(), error.code(), error)),
    }
}

/// Why the job does not want the page: what its header said, or what its first bytes say.
pub(crate) fn unwanted_type(settings: &FetchSettings, response: &Response) -> Option<Unwanted> {
    if settings.types.are_none() || response.unwanted.is_some() {
        return response.unwanted.clone();
    }
    let found = sniff(response.header("content-type"), response.forbids_sniffing(), &response.body).essence();
    (!settings.types.keep(&found)).then_some(Unwanted::Type(found))
}

fn unwanted(task: &FetchTask, response: &Response) -> Option<Unwanted> {
    unwanted_type(&task.fetch, response)
}

fn page(task: FetchTask, response: Response, crawl_delay: Option<Duration>) -> ScrapedPage {
    let content_type = response.header("content-type");
    let charset = of_response(content_type, &response.body);
    ScrapedPage {
        origin: task.origin,
        status: response.status,
        fetched_at: response.fetched_at,
        took_ms: millis(response.took),
        mime: differing_essence(content_type, response.forbids_sniffing(), &response.body),
        charset: charset.map(|(encoding, _)| encoding.name().to_owned()),
        charset_source: charset.map(|(_, source)| source.as_str().to_owned()),
        request_headers: response.request_headers,
        headers: response.headers,
        truncated: response.truncated,
        address: response.address,
        sitemaps: Vec::new(),
        crawl_delay_ms: crawl_delay.map(millis),
        robots: task.fetch.robots,
        robot_name: Some(product_token(&task.fetch.user_agent).to_owned()),
        extract: task.extract,
        kept_body: None,
        body: response.body,
    }
}

/// The end of a task whose answer is a redirect.
fn redirect(task: FetchTask, response: &Response) -> TaskEnded {
    let origin = task.origin;
    let target = match redirect_target(&origin.url, response) {
        Ok(target) => target,
        Err(why) => {
            return TaskEnded {
                detail: Some(why),
                ..TaskEnded::without_page(origin, Outcome::Gone, code::BAD_REDIRECT)
            };
        }
    };
    let most = task.fetch.bounds.max_redirects;
    if origin.redirects >= most {
        return TaskEnded {
            detail: Some(format!("more than {most} redirects in a row; the next would go to {target}")),
            ..TaskEnded::without_page(origin, Outcome::Excluded, code::TOO_MANY_REDIRECTS)
        };
    }
    TaskEnded {
        redirect_to: Some(target.into()),
        ..TaskEnded::without_page(origin, Outcome::Redirected, code::REDIRECT)
    }
}

/// Where a redirect leads.
///
/// # Errors
/// Says why it leads nowhere.
pub(crate) fn redirect_target(from: &CanonicalUrl, response: &Response) -> Result<CanonicalUrl, String> {
    let status = response.status;
    let mut locations = response.values("location").map(str::trim);
    let location = locations.next().ok_or_else(|| format!("status {status} came without a Location"))?;
    if locations.any(|other| other != location) {
        return Err(format!("status {status} came with several Locations that differ"));
    }
    let target = from
        .join(location)
        .map_err(|error| format!("the redirect's target {location:?} can't be used: {error}"))?;
    if target == *from {
        return Err("it redirects to itself".to_owned());
    }
    Ok(target)
}

/// Completes an end with what the answer says.
fn ended(end: TaskEnded, response: &Response, crawl_delay: Option<Duration>) -> Answer {
    let end = TaskEnded {
        status: Some(response.status),
        fetched_at: Some(response.fetched_at),
        content_type: response.header("content-type").map(str::to_owned),
        body_bytes: response.body.len() as u64,
        address: response.address,
        crawl_delay_ms: crawl_delay.map(millis),
        ..end
    };
    (None, Some(end))
}

/// `http_<status>`, without an allocation for the usual ones.
pub(crate) fn status_code(status: u16) -> Cow<'static, str> {
    match status {
        401 => "http_401".into(),
        403 => "http_403".into(),
        404 => "http_404".into(),
        410 => "http_410".into(),
        _ => format!("http_{status}").into(),
    }
}
