//! JSON-LD: what was mended is JSON, and what is JSON needed no mending.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trawl_parser::json_ld::{Block, read};

fuzz_target!(|data: &[u8]| {
    let Ok(source) = std::str::from_utf8(data) else { return };
    if let Block::Sound(value) | Block::Repaired(value) = read(source) {
        assert!(matches!(read(&value.to_string()), Block::Sound(_)), "what was read can't be read again");
    }
});
