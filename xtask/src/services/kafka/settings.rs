//! The settings of the one-node broker: what a test needs, and small.

use std::path::Path;

/// Sixteen bytes in base64, as Kafka wants it: `trawl-test-kafka`.
pub(crate) const CLUSTER_ID: &str = "dHJhd2wtdGVzdC1rYWZrYQ";

/// A page's record may be larger than Kafka's customary 1 MiB.
const LARGEST_MESSAGE: &str = "8388608";

/// What holds wherever the broker runs.
const COMMON: [(&str, &str); 21] = [
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.listener.names", "CONTROLLER"),
    ("inter.broker.listener.name", "PLAINTEXT"),
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

/// The ports of a broker of this machine.
pub(super) struct Ports {
    pub(super) broker: u16,
    pub(super) controller: u16,
    /// A second door: where it listens, and the port that it tells its clients instead, because something stands
    /// between.
    pub(super) behind: Option<(u16, u16)>,
}

impl Ports {
    /// As they are recorded: broker and controller, then those of the second door where there is one.
    pub(super) fn of(recorded: &[u16]) -> Option<Self> {
        let (&broker, rest) = recorded.split_first()?;
        let (&controller, rest) = rest.split_first()?;
        let behind = match *rest {
            [] => None,
            [listens, told] => Some((listens, told)),
            _ => return None,
        };
        Some(Self { broker, controller, behind })
    }
}

/// The properties file of a broker of this machine.
pub(super) fn file(ports: &Ports, data: &Path) -> String {
    let Ports { broker, controller, behind } = *ports;
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}");
    let mut advertised = format!("PLAINTEXT://127.0.0.1:{broker}");
    let mut protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    if let Some((listens, told)) = behind {
        listeners += &format!(",BEHIND://127.0.0.1:{listens}");
        advertised += &format!(",BEHIND://127.0.0.1:{told}");
        protocols += ",BEHIND:PLAINTEXT";
    }
    // A backslash starts an escape in a properties file.
    let data = data.display().to_string().replace('\\', "\\\\");
    all(controller, &listeners, advertised, protocols)
        .chain([("log.dirs", data)])
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}

/// The same as environment variables of Apache Kafka's container image.
pub(crate) fn environment(port: u16) -> Vec<(String, String)> {
    const CONTROLLER: u16 = 9093;
    let listeners = format!("PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{CONTROLLER}");
    let advertised = format!("PLAINTEXT://127.0.0.1:{port}");
    all(CONTROLLER, &listeners, advertised, "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned())
        .map(|(key, value)| (format!("KAFKA_{}", key.to_uppercase().replace('.', "_")), value))
        .collect()
}

fn all(
    controller: u16,
    listeners: &str,
    advertised: String,
    protocols: String,
) -> impl Iterator<Item = (&'static str, String)> + use<> {
    COMMON.into_iter().map(|(key, value)| (key, value.to_owned())).chain([
        ("listeners", listeners.to_owned()),
        ("advertised.listeners", advertised),
        ("listener.security.protocol.map", protocols),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_binds_loopback_only() {
        let ports = Ports::of(&[20001, 20002]).unwrap();
        let text = file(&ports, Path::new("/data/kafka"));
        assert!(text.contains("\nlisteners=PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002\n"));
        assert!(text.contains("\nlog.dirs=/data/kafka\n"));
        assert!(!text.contains("0.0.0.0"));
    }

    #[test]
    fn a_second_door_tells_another_port() {
        let ports = Ports::of(&[20001, 20002, 20003, 20004]).unwrap();
        let text = file(&ports, Path::new("/data/kafka"));
        assert!(text.contains(",BEHIND://127.0.0.1:20003\n"), "{text}");
        assert!(
            text.contains("\nadvertised.listeners=PLAINTEXT://127.0.0.1:20001,BEHIND://127.0.0.1:20004\n")
        );
        assert!(Ports::of(&[1]).is_none() && Ports::of(&[1, 2, 3]).is_none());
    }
}
