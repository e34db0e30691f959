//! The names of all record headers. No other file spells one.
//!
//! `ce_*` is the CloudEvents Kafka binding in binary mode (CloudEvents 1.0, Kafka protocol binding,
//! section 3.2); our extensions follow its naming rule (lower-case letters and digits). Dead letters
//! carry the names of KIP-1191 besides.

/// CloudEvents version.
pub const SPEC_VERSION: &str = "ce_specversion";
/// The message UUID.
pub const ID: &str = "ce_id";
/// The message type with its schema version, as `trawl.<name>.v<n>`.
pub const TYPE: &str = "ce_type";
/// Which service and instance made the message, as `/<service>/<instance>`.
pub const SOURCE: &str = "ce_source";
/// When the message was made (RFC 3339).
pub const TIME: &str = "ce_time";
/// The URL the message is about.
pub const SUBJECT: &str = "ce_subject";
/// Media type of the value.
pub const CONTENT_TYPE: &str = "content-type";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// The crawl (job id).
pub const CORRELATION_ID: &str = "ce_correlationid";
/// The parent message.
pub const CAUSATION_ID: &str = "ce_causationid";
/// Attempts made before this one; 0 (or absent) on first delivery.
pub const ATTEMPT: &str = "ce_attempt";
/// A waiting record is not handled before this instant (RFC 3339).
pub const NOT_BEFORE: &str = "ce_notbefore";
/// The consumer group that a record on `retry` is addressed to.
pub const TARGET_GROUP: &str = "ce_targetgroup";
/// Topic the record was first read from.
pub const ORIGIN_TOPIC: &str = "ce_origintopic";
/// Partition the record was first read from.
pub const ORIGIN_PARTITION: &str = "ce_originpartition";
/// Offset the record was first read from.
pub const ORIGIN_OFFSET: &str = "ce_originoffset";
/// The failed attempts so far, as a JSON array.
pub const HISTORY: &str = "ce_history";
/// How many times the record was replayed from the dead letters.
pub const REPLAYS: &str = "ce_replays";
/// The id by which the ledger knows a record that has no envelope of its own, once it was replayed.
pub const LEDGER_ID: &str = "ce_ledgerid";

/// KIP-1191: topic of the failed record.
pub const DLQ_TOPIC: &str = "__dlq.errors.topic";
/// KIP-1191: partition of the failed record.
pub const DLQ_PARTITION: &str = "__dlq.errors.partition";
/// KIP-1191: offset of the failed record.
pub const DLQ_OFFSET: &str = "__dlq.errors.offset";
/// KIP-1191: consumer group that failed.
pub const DLQ_GROUP: &str = "__dlq.errors.group";
/// KIP-1191: deliveries made.
pub const DLQ_DELIVERY_COUNT: &str = "__dlq.errors.delivery.count";
/// KIP-1191: the error, at most 1 KiB.
pub const DLQ_MESSAGE: &str = "__dlq.errors.message";
/// Where in the loop it failed: `decode`, `handle`, `encode`.
pub const DLQ_STAGE: &str = "__dlq.errors.stage";
/// Stable failure code.
pub const DLQ_CODE: &str = "__dlq.errors.code";
/// Failure class.
pub const DLQ_CLASS: &str = "__dlq.errors.class";
/// Service whose handler failed.
pub const DLQ_SERVICE: &str = "__dlq.errors.service";
/// Instance that gave up.
pub const DLQ_INSTANCE: &str = "__dlq.errors.instance";
/// Version of the program that gave up.
pub const DLQ_VERSION: &str = "__dlq.errors.version";
/// When it was given up (RFC 3339).
pub const DLQ_FAILED_AT: &str = "__dlq.errors.failed.at";
/// When the failed record was made (RFC 3339).
pub const DLQ_TIME: &str = "__dlq.errors.time";
/// The chain of causes, outermost first, as a JSON array of texts.
pub const DLQ_CAUSES: &str = "__dlq.errors.causes";
/// When a record that was replayed was handled (RFC 3339): a record that has this is no letter, it closes one.
pub const DLQ_RECOVERED_AT: &str = "__dlq.recovered.at";

/// Every header a dead letter adds to the record it holds.
pub const DLQ_ALL: [&str; 15] = [
    DLQ_TOPIC,
    DLQ_PARTITION,
    DLQ_OFFSET,
    DLQ_GROUP,
    DLQ_DELIVERY_COUNT,
    DLQ_MESSAGE,
    DLQ_STAGE,
    DLQ_CODE,
    DLQ_CLASS,
    DLQ_SERVICE,
    DLQ_INSTANCE,
    DLQ_VERSION,
    DLQ_FAILED_AT,
    DLQ_TIME,
    DLQ_CAUSES,
];
