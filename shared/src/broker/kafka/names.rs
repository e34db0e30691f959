//! Topics and groups as the cluster knows them: with the prefix.

use crate::message::Topic;
use std::sync::Arc;

/// Puts the prefix on and takes it off.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: Arc<str>,
    topics: Arc<[(Topic, String)]>,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        let topics = Topic::ALL.iter().map(|topic| (*topic, format!("{prefix}{topic}"))).collect();
        Self { prefix: prefix.into(), topics }
    }

    /// The cluster's name of a topic.
    pub(super) fn topic(&self, topic: Topic) -> &str {
        self.topics.iter().find(|(known, _)| *known == topic).map_or(topic.name(), |(_, name)| name)
    }

    /// The topic behind a name of the cluster, where it is one of ours.
    pub(super) fn parse(&self, name: &str) -> Option<Topic> {
        self.topics.iter().find(|(_, known)| known == name).map(|(topic, _)| *topic)
    }

    /// The cluster's name of a consumer group.
    pub(super) fn group(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }
}
