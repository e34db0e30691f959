//! Who may: on loopback everybody of this machine, elsewhere whoever has the token; and no other site in anybody's name.

use super::{State, error::Refused, pages};
use axum::{
    Router,
    extract::{self, Request},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use std::net::{IpAddr, SocketAddr};
use subtle::ConstantTimeEq as _;
use trawl_shared::model::Secret;
use uuid::Uuid;

/// The cookie of a browser that has shown the token.
const COOKIE: &str = "trawl-letters";

/// Who may look and act.
#[derive(Debug)]
pub struct Access {
    token: Option<Secret>,
    /// What a browser shows instead of the token, for as long as this process lives.
    session: Secret,
    /// What stands in each form, so that only a page of ours can have sent it.
    form: Secret,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The address can't be listened on.
    #[error("can't listen on dlq-handler.listen = {address:?}: {source}")]
    Listen {
        /// The setting.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// Others could come in.
    #[error(
        "dlq-handler.listen = {0:?} can be reached from other machines: set dlq-handler.token \
         (TRAWL_DLQ_HANDLER_TOKEN), or listen on 127.0.0.1"
    )]
    NeedsToken(String),
}

impl Access {
    /// Access with this token; without one, only where nobody else can come in.
    #[must_use]
    pub fn new(token: &Secret) -> Self {
        // Two ids of version 7 hold 148 bits that nobody can guess.
        let random = || Secret::new(format!("{}{}", Uuid::now_v7().simple(), Uuid::now_v7().simple()));
        let token = Some(token.clone()).filter(|token| !token.expose().is_empty());
        Self { token, session: random(), form: random() }
    }

    /// Refuses an address that needs a token where there is none.
    pub(super) fn check(&self, address: &str, local: SocketAddr) -> Result<(), AccessError> {
        if self.token.is_none() && !local.ip().is_loopback() {
            return Err(AccessError::NeedsToken(address.to_owned()));
        }
        Ok(())
    }

    /// What each form of ours carries.
    pub(super) fn form(&self) -> &str {
        self.form.expose()
    }

    /// Whether a form is one of ours.
    pub(super) fn is_own_form(&self, text: &str) -> bool {
        is_same(&self.form, text)
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return names_this_machine(headers) };
        let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        if bearer.is_some_and(|shown| is_same(token, shown.trim())) {
            return true;
        }
        let cookies = text(header::COOKIE).unwrap_or_default().split(';');
        let mut ours = cookies.filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        ours.any(|shown| is_same(&self.session, shown))
    }
}

fn is_same(secret: &Secret, shown: &str) -> bool {
    secret.expose().as_bytes().ct_eq(shown.as_bytes()).into()
}

/// Whether a request was sent to this machine by a name that is always its own. Any other name may be somebody's who let it
/// point here, to read us by way of a visitor's browser.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a request that changes something comes from a page of another site.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let own = text("host").unwrap_or_default();
    text("origin").is_some_and(|origin| origin.split_once("://").is_none_or(|(_, host)| host != own))
}

/// Lets through who may.
pub(super) async fn guard(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && comes_from_elsewhere(request.headers()) {
        return Refused::forbidden("this was sent by a page of another site").into_response();
    }
    if state.access.admits(request.headers()) {
        return next.run(request).await;
    }
    if state.access.token.is_none() {
        return Refused::forbidden("without a token, only 127.0.0.1 and localhost are answered")
            .into_response();
    }
    let is_page = request.uri().path() == "/" || request.uri().path().starts_with("/letters");
    if is_page && !changes {
        return Redirect::to("/login").into_response();
    }
    let refused = Refused { status: StatusCode::UNAUTHORIZED, why: "a bearer token is required".to_owned() };
    ([(header::WWW_AUTHENTICATE, "Bearer")], refused).into_response()
}

pub(super) fn routes() -> Router<State> {
    Router::new().route("/login", get(login_page).post(login))
}

async fn login_page() -> Response {
    pages::login(None).into_response()
}

/// A browser can't send a bearer token by itself: it shows it once, and a cookie from then on.
async fn login(extract::State(state): extract::State<State>, headers: HeaderMap, form: String) -> Response {
    let mut fields = url::form_urlencoded::parse(form.as_bytes());
    let shown = fields.find(|(name, _)| name == "token").map(|(_, value)| value).unwrap_or_default();
    let is_right = state.access.token.as_ref().is_some_and(|token| is_same(token, shown.trim()));
    if !is_right || comes_from_elsewhere(&headers) {
        return (StatusCode::UNAUTHORIZED, pages::login(Some("That is not the token."))).into_response();
    }
    let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", state.access.session.expose());
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_answered_without_a_token() {
        let access = Access::new(&Secret::default());
        for (host, expected) in [
            ("127.0.0.1:8080", true),
            ("127.0.0.1", true),
            ("localhost:1", true),
            ("[::1]:8080", true),
            ("rebound.example:8080", false),
            ("127.0.0.1.example", false),
            ("192.0.2.1", false),
            ("", false),
        ] {
            assert_eq!(access.admits(&headers(&[("host", host)])), expected, "{host}");
        }
        assert!(access.check("127.0.0.1:0", "127.0.0.1:9".parse().unwrap()).is_ok());
        let refused = access.check("0.0.0.0:80", "0.0.0.0:80".parse().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("dlq-handler.token"), "{refused}");
    }

    #[test]
    fn the_token_opens_and_nothing_else_does() {
        let access = Access::new(&Secret::new("s3cret"));
        assert!(access.check("0.0.0.0:80", "0.0.0.0:80".parse().unwrap()).is_ok());
        assert!(access.admits(&headers(&[("authorization", "Bearer s3cret")])));
        for wrong in ["Bearer s3cre", "Bearer s3crett", "Basic s3cret", "Bearer "] {
            assert!(!access.admits(&headers(&[("authorization", wrong), ("host", "127.0.0.1")])), "{wrong}");
        }
        let cookie = |text: String| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, text.parse().unwrap());
            access.admits(&headers)
        };
        assert!(cookie(format!("other=1; {COOKIE}={}", access.session.expose())));
        assert!(!cookie(format!("{COOKIE}=")) && !cookie(format!("{COOKIE}={}", access.form())));
        assert!(!format!("{access:?}").contains("s3cret"));
    }

    #[test]
    fn other_sites_can_change_nothing() {
        let elsewhere = |pairs: &[_]| comes_from_elsewhere(&headers(pairs));
        assert!(!elsewhere(&[("host", "127.0.0.1:8"), ("origin", "http://127.0.0.1:8")]));
        assert!(!elsewhere(&[("host", "127.0.0.1:8")]), "a program");
        assert!(elsewhere(&[("host", "127.0.0.1:8"), ("origin", "http://evil.example")]));
        assert!(elsewhere(&[("host", "127.0.0.1:8"), ("origin", "http://127.0.0.1:9")]));
        assert!(elsewhere(&[("host", "127.0.0.1:8"), ("origin", "null")]));
        assert!(elsewhere(&[("host", "127.0.0.1:8"), ("sec-fetch-site", "cross-site")]));
    }
}
