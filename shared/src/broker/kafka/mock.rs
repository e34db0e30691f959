//! librdkafka's mock cluster, for tests: real sockets, groups and commits, and everything in the
//! memory of this process.
//!
//! What it can't do: an admin interface (topics are made here), looking offsets up by time, and
//! keeping more than 5 MiB of a partition.

use rdkafka::mocking::MockCluster;
use std::sync::mpsc;

type Cluster = MockCluster<'static, rdkafka::producer::DefaultProducerContext>;
type Job = Box<dyn FnOnce(&Cluster) + Send>;

/// A mock cluster. It lives until this is dropped.
pub struct MockKafka {
    brokers: String,
    // The cluster is bound to its thread.
    jobs: mpsc::Sender<Job>,
}

impl MockKafka {
    /// Starts a cluster of that many brokers on loopback.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn start(brokers: i32) -> Self {
        let (jobs, received) = mpsc::channel::<Job>();
        let (started, addresses) = mpsc::channel();
        let run = move || {
            let cluster = MockCluster::new(brokers).expect("a mock cluster starts");
            let _ = started.send(cluster.bootstrap_servers());
            for job in received {
                job(&cluster);
            }
        };
        std::thread::Builder::new().name("kafka-mock".to_owned()).spawn(run).expect("a thread starts");
        Self { brokers: addresses.recv().expect("the mock cluster has addresses"), jobs }
    }

    /// Where it listens, as `kafka.brokers` wants it.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Makes a topic. `name` is the cluster's: with the prefix.
    ///
    /// # Panics
    /// When the cluster refuses.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        let name = name.to_owned();
        self.tell(move |cluster| {
            cluster.create_topic(&name, partitions, 1).expect("the mock cluster makes a topic");
        });
    }

    /// Cuts all connections, and takes no new ones.
    ///
    /// # Panics
    /// When the cluster refuses.
    pub fn go_down(&self) {
        self.tell(|cluster| cluster.broker_down(-1).expect("the mock brokers go down"));
    }

    /// Takes connections again.
    ///
    /// # Panics
    /// When the cluster refuses.
    pub fn come_up(&self) {
        self.tell(|cluster| cluster.broker_up(-1).expect("the mock brokers come up"));
    }

    /// Lets the next offset commits fail, each with a passing error of a coordinator that moves.
    pub fn refuse_commits(&self, times: usize) {
        use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
        self.tell(move |cluster| {
            let errors = vec![RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS; times];
            cluster.request_errors(RDKafkaApiKey::OffsetCommit, &errors);
        });
    }

    fn tell(&self, job: impl FnOnce(&Cluster) + Send + 'static) {
        let (done, wait) = mpsc::channel();
        let job = move |cluster: &Cluster| {
            job(cluster);
            let _ = done.send(());
        };
        let sent = self.jobs.send(Box::new(job)).is_ok() && wait.recv().is_ok();
        assert!(sent, "the mock cluster's thread died");
    }
}
