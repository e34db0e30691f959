//! The same for programs: JSON under `/api/v1`, described at `/openapi.json`.

use super::{
    State,
    error::Refused,
    openapi,
    pages::{letters, named, who},
    runs::{Run, Wanted},
};
use crate::{
    cli::{
        list::{group_object, groupable, sort},
        stats::Stats,
    },
    filter::Filter,
    letter::Summary,
    replay::{self, Speed},
    store,
    transfer::Moved,
};
use axum::{
    Json, Router,
    extract::{self, Path, Query},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Letters of an answer where nothing is said, and at most.
const LETTERS: usize = 100;
const MOST_LETTERS: usize = 1000;

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/openapi.json", get(|| async { Json(openapi::description()) }))
        .route("/api/v1/letters", get(list))
        .route("/api/v1/letters/{id}", get(letter))
        .route("/api/v1/groups", get(groups))
        .route("/api/v1/stats", get(stats))
        .route("/api/v1/replays", get(runs).post(start))
        .route("/api/v1/replays/{run}", get(run).delete(stop))
        .route("/api/v1/discards", post(discard))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default, rename = "where")]
    filter: String,
    sort: Option<String>,
    by: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

impl Asked {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(LETTERS).min(MOST_LETTERS)
    }
}

#[derive(Serialize)]
struct Letters {
    total: u64,
    letters: Vec<Summary>,
}

async fn list(
    extract::State(desk): extract::State<State>,
    Query(asked): Query<Asked>,
) -> Result<Json<Letters>, Refused> {
    let filter: Filter = asked.filter.parse()?;
    let (sort, descending) = sort(asked.sort.as_deref().unwrap_or("-died")).map_err(Refused::bad)?;
    let total = desk.ledger.count(&filter).await?;
    let query = store::Query { filter, sort, descending, offset: asked.offset, limit: asked.limit() };
    Ok(Json(Letters { total, letters: desk.ledger.list(&query).await? }))
}

async fn letter(
    extract::State(desk): extract::State<State>,
    Path(name): Path<String>,
) -> Result<Json<Moved>, Refused> {
    let id = named(&desk, &name).await?;
    Ok(Json(Moved::load(&*desk.ledger, id).await?.ok_or_else(|| Refused::missing("such letter"))?))
}

async fn groups(
    extract::State(desk): extract::State<State>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refused> {
    let filter: Filter = asked.filter.parse()?;
    let by = asked.by.as_deref().unwrap_or("code").split(',').map(groupable).collect::<Result<Vec<_>, _>>();
    let by = by.map_err(Refused::bad)?;
    let groups = desk.ledger.groups(&filter, &by, asked.limit()).await?;
    Ok(Json(json!({ "groups": groups.iter().map(|group| group_object(&by, group)).collect::<Vec<_>>() })))
}

async fn stats(
    extract::State(desk): extract::State<State>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refused> {
    let stats = Stats::load(&*desk.ledger, &asked.filter.parse()?, asked.limit()).await?;
    Ok(Json(stats.json()))
}

/// Which letters something is to be done about, and how.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default)]
    ids: Vec<String>,
    #[serde(rename = "where")]
    filter: Option<String>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    by: String,
    rate: Option<String>,
    after: Option<String>,
    reason: Option<String>,
}

impl Order {
    async fn letters(&self, desk: &State) -> Result<replay::Letters, Refused> {
        match (&self.filter, self.ids.is_empty()) {
            (Some(filter), true) => letters(desk, &[], filter).await,
            (None, false) => letters(desk, &self.ids, "").await,
            _ => Err(Refused::bad("which letters? Give ids or where")),
        }
    }
}

async fn start(
    extract::State(desk): extract::State<State>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let letters = order.letters(&desk).await?;
    let chosen = letters.count(&*desk.ledger).await?;
    let speed: Speed =
        order.rate.as_deref().map_or(Ok(Speed::default()), str::parse).map_err(Refused::bad)?;
    let after = humantime::parse_duration(order.after.as_deref().unwrap_or("0s"))
        .map_err(|error| Refused::bad(format!("after: {error}")))?;
    if order.dry_run {
        return Ok((StatusCode::OK, Json(json!({ "letters": chosen }))));
    }
    let run = desk.runs.start(Wanted { letters, by: who(&order.by, "REST"), speed, after }, chosen);
    Ok((StatusCode::ACCEPTED, Json(json!({ "letters": chosen, "run": run }))))
}

async fn runs(extract::State(desk): extract::State<State>) -> Json<Vec<Run>> {
    Json(desk.runs.all())
}

async fn run(
    extract::State(desk): extract::State<State>,
    Path(number): Path<u64>,
) -> Result<Json<Run>, Refused> {
    let run = desk.runs.all().into_iter().find(|run| run.run == number);
    run.map(Json).ok_or_else(|| Refused::missing("such run"))
}

async fn stop(
    extract::State(desk): extract::State<State>,
    Path(number): Path<u64>,
) -> Result<StatusCode, Refused> {
    if desk.runs.stop(number) { Ok(StatusCode::NO_CONTENT) } else { Err(Refused::missing("such run")) }
}

async fn discard(
    extract::State(desk): extract::State<State>,
    Json(order): Json<Order>,
) -> Result<Json<Value>, Refused> {
    let letters = order.letters(&desk).await?;
    if order.dry_run {
        return Ok(Json(json!({ "letters": letters.count(&*desk.ledger).await? })));
    }
    let reason = order.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let reason = reason.ok_or_else(|| Refused::bad("reason: say why, it stays with the letters"))?;
    let discarded = replay::discard(&*desk.ledger, &letters, &who(&order.by, "REST"), reason).await?;
    Ok(Json(json!({ "letters": discarded })))
}
