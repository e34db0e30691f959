//! One polite request: through the host's gate, out, and what the answer says about the pace.
//! Pages and robots.txt files go the same way.

use crate::{
    http::{Client, HttpError, Request, Response},
    meters::Meters,
    pace::{Limits, Pace, TooLong},
    status::{self, Policy},
};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::time::Instant;
use trawl_shared::model::HostKey;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The host's queue is too long.
    #[error(transparent)]
    Wait(#[from] TooLong),
    /// The exchange failed.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// The HTTP client behind the pace.
#[derive(Debug)]
pub struct Polite {
    client: Client,
    pace: Arc<Pace>,
    meters: Meters,
}

impl Polite {
    /// Puts `client` behind `pace`.
    #[must_use]
    pub fn new(client: Client, pace: Pace) -> Self {
        Self { client, pace: Arc::new(pace), meters: Meters::default() }
    }

    /// The gates of the hosts.
    #[must_use]
    pub fn pace(&self) -> Arc<Pace> {
        Arc::clone(&self.pace)
    }

    /// What is counted.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Hosts came from somebody else: see [`Pace::handed_over`].
    pub fn handed_over(&self) {
        self.pace.handed_over();
    }

    /// Sends the request when `host` may be asked. A host that throttles us slows down for all.
    ///
    /// # Errors
    /// When the wait is too long or no answer came.
    pub async fn get(
        &self,
        host: &HostKey,
        limits: Limits,
        request: Request<'_>,
    ) -> Result<Response, Refusal> {
        // Before the queue: what is never going to be sent should wait for nothing.
        request.reach().check_literal(request.url).map_err(HttpError::from)?;
        let came = Instant::now();
        let pass = self.pace.enter(host, limits).await?;
        self.meters.waited(came.elapsed());
        match self.client.get(request).await {
            Ok(response) => {
                pass.reached(response.sent + response.headers_after);
                match response.policy() {
                    Policy::Throttled => pass.throttled(response.retry_after()),
                    Policy::Retry => pass.strained(),
                    _ => pass.answered(response.headers_after),
                }
                Ok(response)
            }
            Err(error) => {
                pass.reached(Instant::now());
                if error.is_strain() {
                    pass.strained();
                }
                Err(error.into())
            }
        }
    }
}

impl Response {
    /// The wait that the answer asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        self.header("retry-after").and_then(|value| status::retry_after(value, Timestamp::now()))
    }

    /// What the answer means for a crawl.
    #[must_use]
    pub fn policy(&self) -> Policy {
        status::policy(self.status)
    }
}
