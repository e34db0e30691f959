//! Refusals, as programs read them.

use crate::filter::FilterError;
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use trawl_shared::sql::SqlError;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

impl Refused {
    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why: why.into() }
    }

    pub(super) fn forbidden(why: &str) -> Self {
        Self { status: StatusCode::FORBIDDEN, why: why.to_owned() }
    }

    pub(super) fn missing(what: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, why: format!("there is no {what}") }
    }
}

impl From<SqlError> for Refused {
    fn from(error: SqlError) -> Self {
        tracing::warn!("the page could not ask the ledger: {error}");
        Self { status: StatusCode::SERVICE_UNAVAILABLE, why: format!("the ledger: {error}") }
    }
}

impl From<FilterError> for Refused {
    fn from(error: FilterError) -> Self {
        Self::bad(error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(serde_json::json!({ "error": self.why }))).into_response()
    }
}
