//! Records from anybody: an envelope, a message or a dead letter that reads is written so that it reads the same.
//!
//! The input is headers as lines `name: value`, a zero byte, then the payload.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;
use trawl_shared::{
    message::{DeadLetter, Envelope, Headers, Message, Record, Topic},
    model::{FetchTask, ScrapedPage, TaskEnded},
};

fn message<M: Message + PartialEq + Debug>(payload: &[u8]) {
    if let Ok(message) = M::decode(Bytes::copy_from_slice(payload)) {
        let written = message.encode().expect("what was read has a form");
        assert_eq!(M::decode(written).expect("what was written reads"), message);
    }
}

fuzz_target!(|data: &[u8]| {
    let (lines, payload) = trawl_fuzz::halves(data);
    let mut headers = Headers::default();
    for line in lines.split(|byte| *byte == b'\n') {
        let at = line.windows(2).position(|pair| pair == b": ").unwrap_or(line.len());
        let name = String::from_utf8_lossy(&line[..at]).into_owned();
        headers.push(name, Bytes::copy_from_slice(line.get(at + 2..).unwrap_or_default()));
    }
    let payload = Bytes::copy_from_slice(payload);
    let record = Record { topic: Topic::Retry, partition: None, key: None, headers, payload };
    if let Ok(envelope) = Envelope::read(&record) {
        let mut again = record.clone();
        envelope.write_to(&mut again.headers);
        let mut read = Envelope::read(&again).expect("what was written reads");
        // Where the record had no trace, each reading begins one.
        read.trace = envelope.trace;
        assert_eq!(read, envelope);
    }
    if let Ok(letter) = DeadLetter::from_record(&record) {
        let _ = (letter.origin(), letter.envelope());
        assert_eq!(
            DeadLetter::from_record(&letter.clone().into_record()).expect("what was written reads"),
            letter
        );
    }
    message::<FetchTask>(&record.payload);
    message::<ScrapedPage>(&record.payload);
    message::<TaskEnded>(&record.payload);
});
