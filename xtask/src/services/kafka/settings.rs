//! The settings of the brokers: what a test needs, and small.

use std::path::Path;

/// Sixteen bytes in base64, as Kafka wants it: `trawl-test-kafka`.
pub(crate) const CLUSTER_ID: &str = "dHJhd2wtdGVzdC1rYWZrYQ";

/// A page's record may be larger than Kafka's customary 1 MiB.
const LARGEST_MESSAGE: &str = "8388608";

/// What holds wherever the broker runs.
const COMMON: [(&str, &str); 15] = [
    ("process.roles", "broker,controller"),
    ("controller.listener.names", "CONTROLLER"),
    ("inter.broker.listener.name", "PLAINTEXT"),
    // Topics are created by those who know their partitions and retention.
    ("auto.create.topics.enable", "false"),
    ("message.max.bytes", LARGEST_MESSAGE),
    ("replica.fetch.max.bytes", LARGEST_MESSAGE),
    // Few partitions: a quick start.
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.num.partitions", "4"),
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

/// The topics that brokers keep for themselves, by the prefix of their settings.
const OWN_TOPICS: [&str; 3] = ["offsets.topic", "transaction.state.log", "share.coordinator.state.topic"];

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

/// A broker among those of its cluster.
pub(super) struct Node<'a> {
    /// From 1 on.
    pub(super) id: u16,
    /// The controllers' ports of all nodes, in the order of their ids.
    pub(super) controllers: &'a [u16],
}

/// The properties file of a broker of this machine.
pub(super) fn file(node: &Node<'_>, ports: &Ports, data: &Path) -> String {
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
    all(node, &listeners, advertised, protocols)
        .chain([("log.dirs".to_owned(), data)])
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}

/// The same as environment variables of Apache Kafka's container image.
pub(crate) fn environment(port: u16) -> Vec<(String, String)> {
    const CONTROLLER: u16 = 9093;
    let listeners = format!("PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{CONTROLLER}");
    let advertised = format!("PLAINTEXT://127.0.0.1:{port}");
    let alone = Node { id: 1, controllers: &[CONTROLLER] };
    all(&alone, &listeners, advertised, "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned())
        .map(|(key, value)| (format!("KAFKA_{}", key.to_uppercase().replace('.', "_")), value))
        .collect()
}

fn all(
    node: &Node<'_>,
    listeners: &str,
    advertised: String,
    protocols: String,
) -> impl Iterator<Item = (String, String)> {
    // As many copies as nodes; with three, one may be missing.
    let copies = node.controllers.len();
    let in_sync = copies.div_ceil(2);
    let voters: Vec<String> =
        (1..).zip(node.controllers).map(|(id, port)| format!("{id}@127.0.0.1:{port}")).collect();
    let copied = OWN_TOPICS.into_iter().map(move |topic| (format!("{topic}.replication.factor"), copies));
    let kept = OWN_TOPICS.into_iter().skip(1).map(move |topic| (format!("{topic}.min.isr"), in_sync));
    let counts = copied.chain(kept).chain([("min.insync.replicas".to_owned(), in_sync)]);
    let of_this_one = [
        ("node.id", node.id.to_string()),
        ("listeners", listeners.to_owned()),
        ("advertised.listeners", advertised),
        ("listener.security.protocol.map", protocols),
        ("controller.quorum.voters", voters.join(",")),
    ];
    let common = COMMON.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    common
        .chain(counts.map(|(key, count)| (key, count.to_string())))
        .chain(of_this_one.map(|(key, value)| (key.to_owned(), value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Node<'_> = Node { id: 1, controllers: &[20002] };

    #[test]
    fn three_nodes_keep_three_copies_of_which_two_must_agree() {
        let node = Node { id: 2, controllers: &[20002, 20012, 20022] };
        let text = file(&node, &Ports::of(&[20011, 20012]).unwrap(), Path::new("/data/kafka-2"));
        for line in [
            "node.id=2",
            "controller.quorum.voters=1@127.0.0.1:20002,2@127.0.0.1:20012,3@127.0.0.1:20022",
            "offsets.topic.replication.factor=3",
            "transaction.state.log.min.isr=2",
            "min.insync.replicas=2",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn the_file_binds_loopback_only() {
        let ports = Ports::of(&[20001, 20002]).unwrap();
        let text = file(&ALONE, &ports, Path::new("/data/kafka"));
        assert!(text.contains("\nlisteners=PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002\n"));
        assert!(text.contains("\nlog.dirs=/data/kafka\n"));
        assert!(!text.contains("0.0.0.0"));
    }

    #[test]
    fn a_second_door_tells_another_port() {
        let ports = Ports::of(&[20001, 20002, 20003, 20004]).unwrap();
        let text = file(&ALONE, &ports, Path::new("/data/kafka"));
        assert!(text.contains(",BEHIND://127.0.0.1:20003\n"), "{text}");
        assert!(
            text.contains("\nadvertised.listeners=PLAINTEXT://127.0.0.1:20001,BEHIND://127.0.0.1:20004\n")
        );
        assert!(Ports::of(&[1]).is_none() && Ports::of(&[1, 2, 3]).is_none());
    }
}
