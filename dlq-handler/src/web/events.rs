//! Live update: a word to every page that looks on when the ledger has changed.

use super::State;
use crate::{
    filter::{Field, Filter},
    store::{Ledger, Query},
};
use axum::{
    extract,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt as _, stream};
use std::{
    convert::Infallible,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the ledger is looked at, while somebody looks on.
const LOOK: Duration = Duration::from_secs(1);

/// A number that changes with the ledger. Nobody is asked while nobody listens.
pub(super) fn watch(ledger: Arc<dyn Ledger>, shutdown: CancellationToken) -> watch::Receiver<u64> {
    let (tell, news) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = shutdown.cancelled() => return,
            }
            // One receiver is the one that pages clone.
            if tell.receiver_count() > 1
                && let Some(now) = mark(&*ledger).await
            {
                tell.send_if_modified(|known| std::mem::replace(known, now) != now);
            }
        }
    });
    news
}

/// What changes when a letter does: how many there are of each state, and the latest change.
async fn mark(ledger: &dyn Ledger) -> Option<u64> {
    let field = |name| Field::named(name).expect("there is a field of this name");
    let groups = ledger.groups(&Filter::all(), &[field("state")], 8).await.ok()?;
    let latest = ledger.list(&Query { sort: field("changed"), ..Query::new(Filter::all(), 1) }).await.ok()?;
    let mut hasher = DefaultHasher::new();
    for group in groups {
        (group.key, group.letters).hash(&mut hasher);
    }
    latest.first().map(|letter| (letter.id, letter.changed_at)).hash(&mut hasher);
    Some(hasher.finish())
}

/// Server-sent events, one for each change.
pub(super) async fn stream(
    extract::State(state): extract::State<State>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = state.news.clone();
    let changes = stream::unfold(news, |mut news| async move {
        news.changed().await.ok()?;
        let mark = *news.borrow_and_update();
        Some((Ok(Event::default().event("changed").data(mark.to_string())), news))
    });
    Sse::new(changes.take_until(state.shutdown.cancelled_owned())).keep_alive(KeepAlive::default())
}
