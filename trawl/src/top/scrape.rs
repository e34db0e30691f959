//! Asking one process: its metrics and its status.

use serde_json::Value;
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

/// A process that takes longer is shown as one that does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// Longest answer that is read.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A process, and what it said.
#[derive(Debug)]
pub(super) struct Process {
    /// As it was named.
    pub(super) name: String,
    pub(super) address: Option<SocketAddr>,
    /// When it was asked.
    pub(super) at: Instant,
    /// Its metrics, or why there are none.
    pub(super) samples: Result<Vec<Sample>, String>,
    pub(super) status: Value,
}

/// One line of `/metrics`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// The processes behind names: one for each address of a name.
pub(super) async fn processes(names: &[String]) -> Vec<Process> {
    let mut found = Vec::new();
    for name in names {
        let (addresses, why) = match timeout(ANSWERS_WITHIN, lookup_host(name.as_str())).await {
            Ok(Ok(addresses)) => (addresses.map(Some).collect(), String::new()),
            Ok(Err(error)) => (vec![None], error.to_string()),
            Err(_) => (vec![None], "its name is not resolved in time".to_owned()),
        };
        found.extend(addresses.into_iter().map(|address| Process {
            name: name.clone(),
            address,
            at: Instant::now(),
            samples: Err(why.clone()),
            status: Value::Null,
        }));
    }
    found
}

/// Asks a process.
pub(super) async fn scrape(process: Process) -> Process {
    let Some(address) = process.address else { return process };
    let (metrics, status) = tokio::join!(get(address, "/metrics"), get(address, "/status"));
    let status = status.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Process { at: Instant::now(), samples: metrics.map(|text| read(&text)), status, ..process }
}

async fn get(address: SocketAddr, path: &str) -> Result<String, String> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        // In HTTP/1.0 an answer ends with its connection, and comes in one piece.
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = timeout(ANSWERS_WITHIN, asked).await.map_err(|_| "no answer in time".to_owned())?;
    let answer = answer.map_err(|error| error.to_string())?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.split(' ').nth(1) == Some("200") => Ok(body.to_owned()),
        _ => Err(format!("{path} is not served: is that a service of ours?")),
    }
}

/// Reads the exposition format; lines that are not of it are left out.
fn read(text: &str) -> Vec<Sample> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, behind) = rest.split_once("=\"")?;
            let mut value = String::new();
            let mut characters = behind.char_indices();
            let closed = loop {
                match characters.next()? {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match characters.next()?.1 {
                        'n' => '\n',
                        other => other,
                    }),
                    (_, other) => value.push(other),
                }
            };
            labels.insert(label.trim_start_matches(',').to_owned(), value);
            rest = &behind[closed + 1..];
        }
        rest = &rest[1..];
    }
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = "# HELP a b\na_total{x=\"1\",y=\"say \\\"hi\\\", {ok}\"} 2.5 # {trace_id=\"7\"} 1 2\nplain 3\n\nbroken{x=\"1\n# EOF\n";
        let read = read(text);
        assert_eq!(read.len(), 2, "{read:?}");
        assert_eq!(read[0].labels["y"], "say \"hi\", {ok}");
        assert!((read[0].value - 2.5).abs() < f64::EPSILON);
        assert_eq!((read[1].name.as_str(), read[1].labels.len()), ("plain", 0));
    }
}
