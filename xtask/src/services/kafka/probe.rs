//! Asking a broker whether it would do work: a Metadata round trip must name at least one live broker.
//!
//! A listening socket is not enough: a KRaft broker listens before it is registered and unfenced.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const PATIENCE: Duration = Duration::from_secs(2);
/// Metadata, version 1: the oldest in which an empty list of topics means none.
const METADATA: (i16, i16) = (3, 1);
const CORRELATION: i32 = 20_417;
const LARGEST_ANSWER: usize = 1 << 20;

/// Asks each of `host:port,host:port` until one answers.
pub(crate) fn answers(brokers: &str) -> Result<()> {
    let mut last = None;
    for broker in brokers.split(',').map(str::trim).filter(|broker| !broker.is_empty()) {
        match ask(broker, Topics::None).and_then(|answer| judge(&answer)) {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error.context(broker.to_owned())),
        }
    }
    Err(last.context("the list of brokers is empty")?)
}

/// Which topics a Metadata request asks for.
#[derive(Clone, Copy)]
pub(super) enum Topics {
    /// None: only the brokers.
    None,
    /// All of them, with their partitions.
    All,
}

/// One Metadata round trip; the answer begins with its correlation id.
pub(super) fn ask(broker: &str, topics: Topics) -> Result<Vec<u8>> {
    let address: SocketAddr = broker
        .to_socket_addrs()
        .context("not host:port, or an unknown host")?
        .next()
        .context("no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&request(topics))?;
    let mut size = [0; 4];
    if stream.read_exact(&mut size).is_err() {
        bail!("it took the connection but did not answer");
    }
    let size = u32::from_be_bytes(size) as usize;
    ensure!((8..LARGEST_ANSWER).contains(&size), "it answers, but not as Kafka does");
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer).context("its answer broke off")?;
    Ok(answer)
}

fn judge(answer: &[u8]) -> Result<()> {
    match live_brokers(answer) {
        None => bail!("it answers, but not as Kafka does"),
        Some(0) => bail!("the broker is up but not yet registered"),
        Some(_) => Ok(()),
    }
}

fn request(topics: Topics) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(METADATA.0.to_be_bytes());
    body.extend(METADATA.1.to_be_bytes());
    body.extend(CORRELATION.to_be_bytes());
    let client = b"xtask";
    body.extend((client.len() as i16).to_be_bytes());
    body.extend(client);
    let list = match topics {
        Topics::None => 0_i32,
        Topics::All => -1,
    };
    body.extend(list.to_be_bytes());
    let mut message = (body.len() as i32).to_be_bytes().to_vec();
    message.append(&mut body);
    message
}

/// An answer is the correlation id, then the live brokers.
fn live_brokers(answer: &[u8]) -> Option<i32> {
    let number = |at: usize| Some(i32::from_be_bytes(answer.get(at..at + 4)?.try_into().ok()?));
    (number(0)? == CORRELATION).then(|| number(4)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_live_brokers() {
        let answer = |id: i32, brokers: i32| [id.to_be_bytes(), brokers.to_be_bytes()].concat();
        assert_eq!(live_brokers(&answer(CORRELATION, 2)), Some(2));
        assert_eq!(live_brokers(&answer(7, 2)), None);
        assert_eq!(live_brokers(&answer(CORRELATION, 2)[..7]), None);
    }

    #[test]
    fn a_wrong_address_is_named() {
        let error = format!("{:#}", answers("127.0.0.1:1, nonsense").unwrap_err());
        assert!(error.starts_with("nonsense: not host:port"), "{error}");
        assert_eq!(answers(" , ").unwrap_err().to_string(), "the list of brokers is empty");
    }
}
