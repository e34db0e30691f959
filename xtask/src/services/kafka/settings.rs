//! The settings of the one-node broker: what a test needs, and small.

use std::path::Path;

/// Sixteen bytes in base64, as Kafka wants it: `trawl-test-kafka`.
pub(crate) const CLUSTER_ID: &str = "dHJhd2wtdGVzdC1rYWZrYQ";

/// A page's record may be larger than Kafka's customary 1 MiB.
const LARGEST_MESSAGE: &str = "8388608";

/// What holds wherever the broker runs.
const COMMON: [(&str, &str); 22] = [
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.listener.names", "CONTROLLER"),
    ("inter.broker.listener.name", "PLAINTEXT"),
    ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
    // Topics are created by those who know their partitions and retention.
    ("auto.create.topics.enable", "false"),
    ("message.max.bytes", LARGEST_MESSAGE),
    ("replica.fetch.max.bytes", LARGEST_MESSAGE),
    // One node: one copy. Few partitions: a quick start.
    ("offsets.topic.replication.factor", "1"),
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("transaction.state.log.num.partitions", "4"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("share.coordinator.state.topic.num.partitions", "1"),
    // A test's group is complete when it says so, and a member that died is missed soon.
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "1000"),
    // A killed broker may come back only when its session is over: by default that takes 9 s. A
    // much shorter one would fence a broker whose disk is slow for a moment.
    ("broker.session.timeout.ms", "6000"),
    ("broker.heartbeat.interval.ms", "500"),
    // Its default buffer would be a quarter of the heap.
    ("log.cleaner.dedupe.buffer.size", "16777216"),
    ("num.partitions", "4"),
];

/// Warnings, and the line that says it started.
pub(crate) const LOGGING: &str = "\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n%throwable
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
";

/// The properties file of a broker of this machine.
pub(crate) fn file(port: u16, controller: u16, data: &Path) -> String {
    let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
    // A backslash starts an escape in a properties file.
    let data = data.display().to_string().replace('\\', "\\\\");
    all(port, controller, &listeners)
        .chain([("log.dirs", data)])
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}

/// The same as environment variables of Apache Kafka's container image.
pub(crate) fn environment(port: u16) -> Vec<(String, String)> {
    const CONTROLLER: u16 = 9093;
    let listeners = format!("PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{CONTROLLER}");
    all(port, CONTROLLER, &listeners)
        .map(|(key, value)| (format!("KAFKA_{}", key.to_uppercase().replace('.', "_")), value))
        .collect()
}

fn all(port: u16, controller: u16, listeners: &str) -> impl Iterator<Item = (&'static str, String)> + use<> {
    COMMON.into_iter().map(|(key, value)| (key, value.to_owned())).chain([
        ("listeners", listeners.to_owned()),
        ("advertised.listeners", format!("PLAINTEXT://127.0.0.1:{port}")),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_binds_loopback_only() {
        let text = file(20001, 20002, Path::new("/data/kafka"));
        assert!(text.contains("\nlisteners=PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002\n"));
        assert!(text.contains("\nlog.dirs=/data/kafka\n"));
        assert!(!text.contains("0.0.0.0"));
    }
}
