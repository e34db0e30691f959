//! Bytes shown to people: as text where they are text, and never as anything a terminal obeys.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Bytes in JSON: a string where they are UTF-8, which most are; else `{"hex": "..."}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum AsText {
    Text(String),
    Hex { hex: String },
}

impl From<&[u8]> for AsText {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() },
        }
    }
}

impl TryFrom<AsText> for Vec<u8> {
    type Error = String;

    fn try_from(text: AsText) -> Result<Self, String> {
        let hex = match text {
            AsText::Text(text) => return Ok(text.into_bytes()),
            AsText::Hex { hex } => hex,
        };
        let byte = |at| hex.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes: Option<Self> = (0..hex.len()).step_by(2).map(byte).collect();
        bytes.ok_or_else(|| format!("{hex:?} is not hexadecimal"))
    }
}

/// For fields of bytes that may not be there.
pub(crate) mod optional_bytes {
    use super::AsText;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| AsText::from(&bytes[..])).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
        let text: Option<AsText> = Option::deserialize(deserializer)?;
        text.map(|text| Vec::try_from(text).map(Bytes::from).map_err(D::Error::custom)).transpose()
    }
}

/// Text of strangers as a terminal may show it: control characters, and those that turn the direction of
/// writing or take no room, become `\u{...}`. Line ends and tabs stay.
#[must_use]
pub fn lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// As [`lines`], and line ends are escaped too.
#[must_use]
pub fn line(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}');
        if hidden && !keep(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Sixteen bytes a line, in hexadecimal and as ASCII.
pub(crate) fn hex_dump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (row, bytes) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let ascii = bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' });
        // A `String` takes whatever is written.
        let _ = writeln!(dump, "{:08x}  {:<47}  {}", row * 16, hex.join(" "), ascii.collect::<String>());
    }
    dump
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_json() {
        for bytes in [&b""[..], b"text \x00", b"\xff\xfe", "é".as_bytes()] {
            let json = serde_json::to_string(&AsText::from(bytes)).unwrap();
            let back: AsText = serde_json::from_str(&json).unwrap();
            assert_eq!(Vec::try_from(back).unwrap(), bytes);
        }
        for bad in ["zz", "0", "éé"] {
            assert!(Vec::try_from(AsText::Hex { hex: bad.into() }).is_err());
        }
    }

    #[test]
    fn nothing_gets_through_that_a_terminal_obeys() {
        assert_eq!(line("a\x1b[31m\nb\u{202e}\u{9b}é"), r"a\u{1b}[31m\u{a}b\u{202e}\u{9b}é");
        assert_eq!(lines("a\r\n\tb\x07"), "a\\u{d}\n\tb\\u{7}");
        assert_eq!(
            hex_dump(b"\x1b[31mred\xff tail of"),
            "00000000  1b 5b 33 31 6d 72 65 64 ff 20 74 61 69 6c 20 6f  .[31mred..tail.o\n00000010  66                                               f\n"
        );
    }
}
