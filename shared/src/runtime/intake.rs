//! Which records a loop takes, and which handler each of them is for.

use super::{
    route::Route,
    worker::{Worker, source_of},
};
use crate::{
    message::{DeadLetter, Delivery, Envelope, LetterReason, Topic, headers},
    model::{FailureClass, code},
};
use std::{collections::HashMap, sync::Arc};

/// Which records a loop takes, and what it does with each.
pub(super) enum Intake {
    /// All records of its topics; the route is chosen by topic and message type.
    Topics(Vec<Arc<Route>>),
    /// The records of `retry` that are addressed to one of these groups, when they are due.
    Retries(HashMap<String, (Arc<Worker>, Vec<Arc<Route>>)>),
}

impl Intake {
    /// Tells handlers that partitions have come.
    pub(super) fn assigned(&self) {
        if let Self::Topics(routes) = self {
            routes.iter().for_each(|route| route.assigned());
        }
    }

    /// Whether a record came back to its topic for another group than this one.
    pub(super) fn is_for_another(&self, group: &str, delivery: &Delivery) -> bool {
        let Self::Topics(routes) = self else { return false };
        let come_back = |route: &Arc<Route>| route.owned && route.topic == delivery.record.topic;
        routes.iter().any(come_back)
            && delivery.record.headers.get_str(headers::TARGET_GROUP).is_some_and(|target| target != group)
    }

    /// The handler for a record, by topic and message type; a handler that takes any type of its
    /// topic comes last.
    pub(super) fn route(&self, own: &Arc<Worker>, delivery: &Delivery) -> Option<(Arc<Worker>, Arc<Route>)> {
        match self {
            Self::Topics(routes) => {
                choose(routes, delivery.record.topic, delivery).map(|route| (Arc::clone(own), route))
            }
            Self::Retries(_) => self.retry_route(&Envelope::read(&delivery.record).ok()?, delivery),
        }
    }

    /// The handler that a record of `retry` is addressed to.
    pub(super) fn retry_route(
        &self,
        envelope: &Envelope,
        delivery: &Delivery,
    ) -> Option<(Arc<Worker>, Arc<Route>)> {
        let Self::Retries(groups) = self else { return None };
        let (worker, routes) = groups.get(envelope.target.as_deref()?)?;
        let route = choose(routes, envelope.origin.map_or(Topic::Retry, |origin| origin.topic), delivery)?;
        Some((Arc::clone(worker), route))
    }
}

fn choose(routes: &[Arc<Route>], topic: Topic, delivery: &Delivery) -> Option<Arc<Route>> {
    let kind = delivery.record.headers.get_str(headers::TYPE);
    let of_topic = || routes.iter().filter(|route| route.topic == topic);
    let exact = of_topic().find(|route| kind == Some(route.kind));
    // A lone handler of a topic also gets what it can't read: it says best why.
    let any = || {
        of_topic()
            .find(|route| route.takes_any_type)
            .or_else(|| of_topic().next().filter(|_| of_topic().count() == 1))
    };
    exact.or_else(any).cloned()
}

/// The letter of a record on `retry` whose envelope can't be read: it is addressed to nobody.
pub(super) fn unaddressed(worker: &Worker, delivery: Delivery, error: &str) -> DeadLetter {
    let source = source_of(&delivery);
    let reason = LetterReason {
        source,
        group: Topic::Retry.name().to_owned(),
        service: worker.service.clone(),
        instance: worker.caller.worker.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        stage: "decode".to_owned(),
        code: code::UNDECODABLE.to_owned(),
        class: FailureClass::Message.as_str().to_owned(),
        message: error.to_owned(),
        causes: vec![error.to_owned()],
        attempts: 1,
        failed_at: worker.runtime.clock.now(),
        time: Some(delivery.timestamp),
    };
    DeadLetter { record: delivery.record, reason }
}
