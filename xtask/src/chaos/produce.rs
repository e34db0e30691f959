//! Writing a record to Kafka byte for byte, which no well-behaved client does: the few bytes of its protocol that this
//! takes, so that the suite needs no client library to be built.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const PATIENCE: Duration = Duration::from_secs(15);
/// Produce, version 3: the first with record batches as they are today.
const PRODUCE: (i16, i16) = (0, 3);
const CORRELATION: i32 = 60_613;
const LARGEST_ANSWER: usize = 1 << 16;

/// A record as it is to stand in the topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// Writes one record to a partition of a one-node broker, and waits for its acknowledgement.
pub(crate) fn produce(broker: u16, topic: &str, partition: i32, record: &Raw) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, broker)).context("no broker to produce to")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request(topic, partition, &batch(record)))?;
    let mut size = [0; 4];
    stream.read_exact(&mut size).context("the broker took the record and did not answer")?;
    let size = u32::from_be_bytes(size) as usize;
    ensure!(size < LARGEST_ANSWER, "an answer of {size} bytes");
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer)?;
    match error_code(&answer) {
        Some(0) => Ok(()),
        Some(code) => bail!("{topic} refuses a record of {} bytes: error {code}", record.value.len()),
        None => bail!("the broker answered no produce response"),
    }
}

fn request(topic: &str, partition: i32, batch: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(batch.len() + 128);
    body.extend(PRODUCE.0.to_be_bytes());
    body.extend(PRODUCE.1.to_be_bytes());
    body.extend(CORRELATION.to_be_bytes());
    text(&mut body, "chaos");
    // No transaction, all replicas, milliseconds.
    body.extend((-1_i16).to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend(10_000_i32.to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    text(&mut body, topic);
    body.extend(1_i32.to_be_bytes());
    body.extend(partition.to_be_bytes());
    body.extend((batch.len() as i32).to_be_bytes());
    body.extend(batch);
    [&(body.len() as i32).to_be_bytes()[..], &body].concat()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as i16).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Correlation; topics, each its name and partitions, each its number and error code.
fn error_code(answer: &[u8]) -> Option<i16> {
    let id = i32::from_be_bytes(answer.get(0..4)?.try_into().ok()?);
    let name = usize::try_from(i16::from_be_bytes(answer.get(8..10)?.try_into().ok()?)).ok()?;
    let at = 10 + name + 4 + 4;
    let code = i16::from_be_bytes(answer.get(at..at + 2)?.try_into().ok()?);
    (id == CORRELATION).then_some(code)
}

/// A batch of one record (magic 2).
fn batch(record: &Raw) -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = now.as_millis() as i64;
    let mut checked = Vec::with_capacity(record.value.len() + 256);
    // Attributes, last offset's delta, first and last time, no producer id, epoch or sequence, one record.
    checked.extend(0_i16.to_be_bytes());
    checked.extend(0_i32.to_be_bytes());
    checked.extend(now.to_be_bytes());
    checked.extend(now.to_be_bytes());
    checked.extend((-1_i64).to_be_bytes());
    checked.extend((-1_i16).to_be_bytes());
    checked.extend((-1_i32).to_be_bytes());
    checked.extend(1_i32.to_be_bytes());
    let body = body(record);
    varint(&mut checked, body.len() as i64);
    checked.extend(body);

    let mut batch = 0_i64.to_be_bytes().to_vec();
    // Leader epoch, magic and checksum stand between the length and what is checked.
    batch.extend((checked.len() as i32 + 9).to_be_bytes());
    batch.extend((-1_i32).to_be_bytes());
    batch.push(2);
    batch.extend(crc32c(&checked).to_be_bytes());
    batch.extend(checked);
    batch
}

fn body(record: &Raw) -> Vec<u8> {
    // Attributes, time's delta, offset's delta.
    let mut body = vec![0, 0, 0];
    match &record.key {
        Some(key) => counted(&mut body, key),
        None => varint(&mut body, -1),
    }
    counted(&mut body, &record.value);
    varint(&mut body, record.headers.len() as i64);
    for (name, value) in &record.headers {
        counted(&mut body, name.as_bytes());
        counted(&mut body, value);
    }
    body
}

fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, bytes.len() as i64);
    out.extend(bytes);
}

/// Zigzag, seven bits at a time.
fn varint(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push((rest as u8 & 0x7f) | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// CRC-32C (Castagnoli), bit by bit: it runs over a handful of records.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283, "the check value of its catalogue");
    }

    #[test]
    fn numbers_are_zigzag() {
        let varint = |number| {
            let mut out = Vec::new();
            super::varint(&mut out, number);
            out
        };
        assert_eq!([varint(0), varint(-1), varint(1)], [[0], [1], [2]]);
        assert_eq!(varint(300), [0xd8, 0x04]);
    }

    #[test]
    fn the_error_code_is_behind_the_topics_name() {
        let mut answer = CORRELATION.to_be_bytes().to_vec();
        answer.extend(1_i32.to_be_bytes());
        text(&mut answer, "a.topic");
        answer.extend(1_i32.to_be_bytes());
        answer.extend(3_i32.to_be_bytes());
        answer.extend(10_i16.to_be_bytes());
        assert_eq!(error_code(&answer), Some(10));
        assert_eq!(error_code(&answer[..12]), None);
    }
}
