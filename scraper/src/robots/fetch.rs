//! Getting a robots.txt, and what it means when it can't be had (RFC 9309, section 2.3.1).

use super::{MAX_ROBOTS_BYTES, RobotsRules, Standing, Unreachable};
use crate::{
    http::{HttpError, Request, Response},
    pace::{Limits, TooLong},
    polite::{Polite, Refusal},
    status::Policy,
};
use std::sync::Arc;
use trawl_shared::{
    model::{CanonicalUrl, FetchSettings, code},
    runtime::FailureClass,
};

/// Redirects that are followed from a robots.txt; with more it counts as absent.
const MAX_REDIRECTS: usize = 5;

/// Fetches the robots.txt of `page`'s origin for the crawler that `agent` names. Each hop goes
/// through its host's gate and the address guard.
pub(super) async fn fetch(
    polite: &Polite,
    page: &CanonicalUrl,
    settings: &FetchSettings,
    agent: &str,
    limits: Limits,
) -> Result<Standing, TooLong> {
    let mut url = page.join("/robots.txt").unwrap_or_else(|_| page.clone());
    for _ in 0..=MAX_REDIRECTS {
        let request = Request::file(url.as_url(), settings, MAX_ROBOTS_BYTES);
        let response = match polite.get(&url.host_key(), limits, request).await {
            Ok(response) => response,
            Err(Refusal::Wait(too_long)) => return Err(too_long),
            Err(Refusal::Http(HttpError::Blocked(blocked))) => {
                return Ok(Standing::Blocked(Arc::new(blocked)));
            }
            Err(Refusal::Http(error)) => return Ok(Standing::Unreachable(Arc::new(unreachable(error)))),
        };
        match response.policy() {
            Policy::Page => return Ok(read(&response, agent)),
            Policy::Redirect => match response.header("location").map(|target| url.join(target)) {
                Some(Ok(target)) => url = target,
                Some(Err(_)) | None => return Ok(Standing::Unrestricted),
            },
            Policy::Gone => return Ok(Standing::Unrestricted),
            // Among them 429, which RFC 9309 counts as absent: who asks for fewer requests is not
            // answered with all of them.
            policy @ (Policy::Retry | Policy::Throttled | Policy::Unchanged | Policy::Nonsense) => {
                return Ok(Standing::Unreachable(Arc::new(Unreachable {
                    code: code::ROBOTS_UNREACHABLE,
                    class: if policy == Policy::Throttled {
                        FailureClass::Throttled
                    } else {
                        FailureClass::Server
                    },
                    retry_after: response.retry_after(),
                    why: format!("{url} answered {}", response.status),
                })));
            }
        }
    }
    Ok(Standing::Unrestricted)
}

fn read(response: &Response, agent: &str) -> Standing {
    let text: &[u8] = &response.body;
    let text = if response.truncated {
        // The line that was cut through would forbid more than it says.
        &text[..memchr::memrchr2(b'\n', b'\r', text).unwrap_or_default()]
    } else {
        text
    };
    Standing::Rules(Arc::new(RobotsRules::parse(text, &[agent])))
}

fn unreachable(error: HttpError) -> Unreachable {
    // Where it is the host that can't be reached, the page would say the same.
    let code = if error.is_unreachable() { error.code() } else { code::ROBOTS_UNREACHABLE };
    Unreachable {
        code,
        class: error.class(),
        retry_after: None,
        why: format!("{:#}", anyhow::Error::from(error)),
    }
}
