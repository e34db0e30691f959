//! The page over a ledger of its own, and the least of an HTTP client.

use super::{death, deliver, id_of, task};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;
use trawl_dlq_handler::{
    LetterId,
    store::Ledger,
    web::{self, Desk},
};
use trawl_shared::{
    broker::{MockProducer, Partition, Position, Producer},
    message::{Record, Topic},
    model::{JobId, Secret},
};

/// A page that is served.
pub(crate) struct Site {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    producer: Arc<dyn Producer>,
    sent: Arc<Mutex<Vec<Record>>>,
    _folder: tempfile::TempDir,
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line =
            |line: &'_ str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        self.head.lines().find(|text| line(text)).and_then(|text| Some(text.split_once(':')?.1.trim()))
    }
}

/// The lines of a stream of events.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    pub(crate) async fn next_line_with(&mut self, text: &str) -> bool {
        let mut line = String::new();
        let reading = async {
            while !line.contains(text) {
                line.clear();
                if self.0.read_line(&mut line).await.unwrap() == 0 {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap()
    }
}

impl Site {
    pub(crate) async fn start(token: &str) -> Self {
        let (folder, ledger) = super::sqlite().await;
        let sent = Arc::new(Mutex::new(Vec::new()));
        let records = Arc::clone(&sent);
        let mut producer = MockProducer::new();
        producer.expect_enqueue().returning(move |record| {
            records.lock().unwrap().push(record);
            let partition = Partition { topic: Topic::Retry, number: 0 };
            Ok(Box::pin(async move { Ok(Position { partition, offset: 0 }) }))
        });
        let (producer, stop): (Arc<dyn Producer>, _) = (Arc::new(producer), CancellationToken::new());
        let desk =
            Desk { ledger: Arc::clone(&ledger), producer: Arc::clone(&producer), retry_partitions: 12 };
        let access = web::Access::new(&Secret::new(token));
        let address = web::serve("127.0.0.1:0", access, desk, stop.clone()).await.unwrap();
        Self { ledger, address, stop, producer, sent, _folder: folder }
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk { ledger: Arc::clone(&self.ledger), producer: Arc::clone(&self.producer), retry_partitions: 12 }
    }

    pub(crate) fn sent(&self) -> Vec<Record> {
        self.sent.lock().unwrap().clone()
    }

    /// Letters about pages of one host; their ids.
    pub(crate) async fn letters(&self, count: usize) -> Vec<LetterId> {
        let job = JobId::fresh();
        let records: Vec<Record> = (0..count).map(|n| task(job, &format!("http://a.example/{n}"))).collect();
        let ids = records.iter().map(|record| id_of(record, "scraper")).collect();
        deliver(&self.ledger, (0..).zip(records).map(|(n, record)| death(record, "scraper", 0, n))).await;
        ids
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.with("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, kind: &str, body: &str, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![("content-type".to_owned(), kind.to_owned())];
        headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.with("POST", path, &headers, body).await
    }

    pub(crate) async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> Answer {
        let (head, body) = self.exchange(method, path, headers, body).await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) async fn get_bytes(&self, path: &str) -> (String, Vec<u8>) {
        self.exchange("GET", path, &[], "").await
    }

    async fn send(&self, method: &str, path: &str, headers: &[(String, String)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // HTTP/1.0: the body ends with the connection.
        let mut request = format!("{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| name == "host") {
            request.push_str(&format!("host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).await.unwrap();
        stream
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> (String, Vec<u8>) {
        let mut answer = Vec::new();
        self.send(method, path, headers, body).await.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
    }

    /// Looks on, from when the stream has begun.
    pub(crate) async fn events(&self) -> Events {
        let stream = self.send("GET", "/events", &[], "").await;
        let mut events = Events(BufReader::new(stream));
        assert!(events.next_line_with("text/event-stream").await);
        events
    }
}
