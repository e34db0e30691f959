//! librdkafka's error codes in terms of what to do about them.

use crate::broker::{BrokerError, SendError};
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

/// What a producer's error means for a record of `size` bytes. `topic` is the cluster's name,
/// `partition` the one that the sender asked for.
pub(super) fn send_error(code: Code, topic: &str, partition: Option<i32>, size: usize) -> SendError {
    match code {
        Code::QueueFull => SendError::Full,
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge => {
            SendError::TooLarge { topic: topic.to_owned(), size }
        }
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition | Code::InvalidTopic => {
            SendError::NoTopic(match partition {
                Some(number) if code == Code::UnknownPartition => format!("{topic}, partition {number},"),
                _ => topic.to_owned(),
            })
        }
        Code::Fatal
        | Code::Fenced
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidRequiredAcks
        | Code::PolicyViolation
        | Code::UnsupportedFeature
        | Code::UnsupportedCompressionType
        | Code::UnsupportedForMessageFormat => SendError::Fatal(format!("{topic}: {code}")),
        // Time-outs, lost connections, replicas that lag, purged queues: another try may pass.
        _ => SendError::Timeout(format!("{topic}: {code}")),
    }
}

/// The code inside an error, where it has one.
pub(super) fn code_of(error: &KafkaError) -> Option<Code> {
    error.rdkafka_error_code()
}

/// Settings that librdkafka does not take.
pub(super) fn settings_error(error: &KafkaError) -> BrokerError {
    BrokerError::Settings(match error {
        KafkaError::ClientConfig(_, description, name, value) => format!("{name} = {value:?}: {description}"),
        KafkaError::ClientCreation(reason) => reason.clone(),
        other => other.to_string(),
    })
}

/// What an error that `poll` returned means for the consumer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PollError {
    /// librdkafka heals it by itself.
    Passing,
    /// A topic is not there (yet).
    MissingTopic,
    /// Nothing heals it.
    Fatal(String),
}

pub(super) fn poll_error(error: &KafkaError) -> PollError {
    let what = match error {
        KafkaError::MessageConsumptionFatal(
            Code::FencedInstanceId | Code::Fenced | Code::UnreleasedInstanceId,
        ) => "another member of the group has the same instance name; give each its own",
        KafkaError::MessageConsumptionFatal(_) => "",
        KafkaError::MessageConsumption(Code::TopicAuthorizationFailed) => {
            "the login may not read a topic; grant it READ on the topics"
        }
        KafkaError::MessageConsumption(Code::GroupAuthorizationFailed) => {
            "the login may not join the group; grant it READ on the groups"
        }
        KafkaError::MessageConsumption(Code::InconsistentGroupProtocol) => {
            "the group's other members share partitions in another way; stop them all once, then start anew"
        }
        KafkaError::MessageConsumption(Code::UnknownTopic | Code::UnknownTopicOrPartition) => {
            return PollError::MissingTopic;
        }
        _ => return PollError::Passing,
    };
    PollError::Fatal(if what.is_empty() { error.to_string() } else { format!("{what} ({error})") })
}

/// Whether a commit that failed with this code may pass at once.
pub(super) fn commit_may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::NotCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::WaitingForCoordinator
            | Code::RequestTimedOut
            | Code::OperationTimedOut
            | Code::NetworkException
            | Code::BrokerTransportFailure
            | Code::UnstableOffsetCommit
            | Code::RebalanceInProgress
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_send_error_has_its_meaning() {
        let check = |code, meaning: &str| {
            let error = send_error(code, "blue.retry", Some(9), 7);
            assert!(format!("{error:?}").starts_with(meaning), "{code:?} is {error:?}");
        };
        check(Code::QueueFull, "Full");
        check(Code::MessageSizeTooLarge, "TooLarge { topic: \"blue.retry\", size: 7 }");
        check(Code::UnknownTopicOrPartition, "NoTopic(\"blue.retry\")");
        check(Code::UnknownPartition, "NoTopic(\"blue.retry, partition 9,\")");
        check(Code::MessageTimedOut, "Timeout");
        check(Code::PurgeQueue, "Timeout");
        check(Code::NotEnoughReplicas, "Timeout");
        check(Code::Fatal, "Fatal");
        check(Code::TopicAuthorizationFailed, "Fatal");
    }

    #[test]
    fn lost_connections_pass_and_fenced_members_do_not() {
        assert_eq!(poll_error(&KafkaError::MessageConsumption(Code::AllBrokersDown)), PollError::Passing);
        assert_eq!(poll_error(&KafkaError::MessageConsumption(Code::PollExceeded)), PollError::Passing);
        assert_eq!(poll_error(&KafkaError::PartitionEOF(1)), PollError::Passing);
        assert_eq!(
            poll_error(&KafkaError::MessageConsumption(Code::UnknownTopicOrPartition)),
            PollError::MissingTopic
        );
        let fenced = poll_error(&KafkaError::MessageConsumptionFatal(Code::FencedInstanceId));
        assert!(matches!(fenced, PollError::Fatal(why) if why.contains("instance name")));
    }
}
