//! Making topics, and checking those that are there.

use super::{
    errors::settings_error,
    names::Names,
    properties::{self, client_config},
    settings::KafkaSettings,
    status::Status,
};
use crate::{
    broker::{BrokerError, TopicSpec, TopicState},
    message::Topic,
};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    config::FromClientConfig as _,
    error::KafkaError,
    metadata::Metadata,
    types::RDKafkaErrorCode as Code,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a broker may take to make topics.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a broker may take to tell the limits of topics.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long new topics may take to become known to the broker that is asked.
const SPREAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Wait between two looks at whether they are.
const SPREAD_POLL: Duration = Duration::from_millis(50);

/// An admin client, and what it is asked about.
pub(super) struct Topics {
    client: Arc<AdminClient<DefaultClientContext>>,
    names: Names,
    status: Arc<Status>,
    brokers: String,
    connect_timeout: Duration,
    may_create: bool,
}

impl Topics {
    pub(super) fn new(
        settings: &KafkaSettings,
        names: &Names,
        status: &Arc<Status>,
    ) -> Result<Self, BrokerError> {
        let config = client_config(properties::admin(settings)?);
        let client = AdminClient::from_config(&config).map_err(|error| settings_error(&error))?;
        Ok(Self {
            client: Arc::new(client),
            names: names.clone(),
            status: Arc::clone(status),
            brokers: settings.brokers.clone(),
            connect_timeout: Duration::from_millis(settings.connect_timeout_ms),
            may_create: settings.create_topics,
        })
    }

    /// Makes what is missing where that is allowed, checks the rest.
    pub(super) async fn ensure(
        &self,
        wanted: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, TopicState>, BrokerError> {
        let mut found = self.partitions().await?;
        let missing: Vec<_> = wanted.iter().filter(|(topic, _)| !found.contains_key(topic)).collect();
        let mut created = Vec::new();
        if let Some((topic, _)) = missing.first() {
            if !self.may_create {
                return Err(BrokerError::MissingTopic(self.names.topic(**topic).to_owned()));
            }
            created = self.create(&missing).await?;
            found = self.wait_for(wanted).await?;
        }
        self.check_sizes(wanted, &created).await?;
        let state = |topic: &Topic| match found.get(topic) {
            Some(partitions) if !created.contains(topic) => TopicState::Exists { partitions: *partitions },
            _ => TopicState::Created,
        };
        Ok(wanted.keys().map(|topic| (*topic, state(topic))).collect())
    }

    /// Takes our topics away again, with all that is in them.
    #[cfg(feature = "testing")]
    pub(super) async fn delete(&self) -> Result<(), BrokerError> {
        let found = self.partitions().await?;
        let names: Vec<_> = found.keys().map(|topic| self.names.topic(*topic)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let deleted = self.client.delete_topics(&names, &AdminOptions::new()).await;
        deleted.map(drop).map_err(|error| BrokerError::Unreachable {
            brokers: self.brokers.clone(),
            reason: error.to_string(),
        })
    }

    /// Our topics in the cluster, with their partitions. All topics are asked for: asking for one by
    /// its name would make a broker that creates topics by itself do so.
    async fn partitions(&self) -> Result<BTreeMap<Topic, i32>, BrokerError> {
        let (client, timeout) = (Arc::clone(&self.client), self.connect_timeout);
        let fetch = move || client.inner().fetch_metadata(None, timeout);
        let metadata = tokio::task::spawn_blocking(fetch).await.unwrap_or(Err(KafkaError::Canceled));
        match metadata {
            Ok(metadata) => Ok(self.ours(&metadata)),
            Err(error) => {
                let reason = self.status.reason().unwrap_or_else(|| error.to_string());
                Err(BrokerError::Unreachable { brokers: self.brokers.clone(), reason })
            }
        }
    }

    fn ours(&self, metadata: &Metadata) -> BTreeMap<Topic, i32> {
        let usable = metadata.topics().iter().filter(|topic| topic.error().is_none());
        usable
            .filter_map(|topic| {
                let ours = self.names.parse(topic.name())?;
                Some((ours, i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)))
            })
            .collect()
    }

    /// Asks for the missing topics and returns those that were made by us.
    async fn create(&self, missing: &[(&Topic, &TopicSpec)]) -> Result<Vec<Topic>, BrokerError> {
        let texts: Vec<_> = missing
            .iter()
            .map(|(_, spec)| (spec.retention.as_millis().to_string(), spec.max_message_bytes.to_string()))
            .collect();
        let topics: Vec<_> = missing
            .iter()
            .zip(&texts)
            .map(|((topic, spec), (retention, max_bytes))| {
                let name = self.names.topic(**topic);
                NewTopic::new(name, spec.partitions, TopicReplication::Fixed(spec.replication))
                    .set("retention.ms", retention)
                    .set("max.message.bytes", max_bytes)
            })
            .collect();
        let options =
            AdminOptions::new().operation_timeout(Some(CREATE_TIMEOUT)).request_timeout(Some(CREATE_TIMEOUT));
        let results = match self.client.create_topics(&topics, &options).await {
            Ok(results) => results,
            Err(error) => {
                let (brokers, reason) = (self.brokers.clone(), format!("topics were not made: {error}"));
                return Err(BrokerError::Unreachable { brokers, reason });
            }
        };
        let mut created = Vec::new();
        for ((topic, spec), result) in missing.iter().zip(results) {
            match result {
                Ok(_) => created.push(**topic),
                // Another process was faster.
                Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(refusal(name, code, spec)),
            }
        }
        Ok(created)
    }

    /// Waits until the cluster shows all wanted topics.
    async fn wait_for(
        &self,
        wanted: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, i32>, BrokerError> {
        let deadline = Instant::now() + SPREAD_TIMEOUT;
        loop {
            let found = self.partitions().await?;
            match wanted.keys().find(|topic| !found.contains_key(topic)) {
                None => return Ok(found),
                Some(topic) if Instant::now() >= deadline => {
                    return Err(BrokerError::MissingTopic(self.names.topic(*topic).to_owned()));
                }
                Some(_) => tokio::time::sleep(SPREAD_POLL).await,
            }
        }
    }

    /// Topics that were there before must take our largest records.
    async fn check_sizes(
        &self,
        wanted: &BTreeMap<Topic, TopicSpec>,
        created: &[Topic],
    ) -> Result<(), BrokerError> {
        let old: Vec<_> = wanted.iter().filter(|(topic, _)| !created.contains(topic)).collect();
        if old.is_empty() {
            return Ok(());
        }
        let names = old.iter().map(|(topic, _)| ResourceSpecifier::Topic(self.names.topic(**topic)));
        let options = AdminOptions::new().request_timeout(Some(self.connect_timeout.min(DESCRIBE_TIMEOUT)));
        let described = match self.client.describe_configs(&names.collect::<Vec<_>>(), &options).await {
            Ok(described) => described,
            Err(error) => {
                // Not every login may look, and not every broker can tell.
                tracing::debug!("the limits of the topics can't be read: {error}");
                return Ok(());
            }
        };
        for ((topic, spec), config) in old.into_iter().zip(described) {
            let limit =
                config.ok().and_then(|config| config.get("max.message.bytes")?.value.as_ref()?.parse().ok());
            if let Some(limit) = limit.filter(|limit: &usize| *limit < spec.max_message_bytes) {
                let (topic, needed) = (self.names.topic(*topic).to_owned(), spec.max_message_bytes);
                let reason = format!(
                    "it takes records of {limit} bytes, but pages may need {needed}; set its max.message.bytes to \
                     {needed} or more (kafka-configs.sh --alter --topic {topic} --add-config max.message.bytes={needed})"
                );
                return Err(BrokerError::BadTopic { topic, reason });
            }
        }
        Ok(())
    }
}

fn refusal(topic: String, code: Code, spec: &TopicSpec) -> BrokerError {
    let reason = match code {
        Code::InvalidReplicationFactor => {
            format!("{} copies of it are wanted, but the cluster has fewer brokers", spec.replication)
        }
        Code::InvalidPartitions => format!("the cluster refuses {} partitions", spec.partitions),
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => {
            "the login may not make topics; grant it CREATE, or make the topic and set kafka.create_topics = false".to_owned()
        }
        other => format!("the cluster did not make it: {other}"),
    };
    BrokerError::BadTopic { topic, reason }
}
