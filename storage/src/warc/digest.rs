//! Labelled digests: `sha1:BASE32`, and what else stands in files.

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// A digest as a record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest<'a> {
    algorithm: &'a str,
    value: &'a str,
}

impl<'a> Digest<'a> {
    /// Reads `algorithm:value`.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let (algorithm, value) = text.split_once(':')?;
        Some(Self { algorithm, value })
    }

    /// What stands behind the algorithm.
    #[must_use]
    pub fn value(&self) -> &'a str {
        self.value
    }

    /// Whether it is the digest of these bytes; false also where the algorithm is not known.
    #[must_use]
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        let digest = match self.algorithm.to_ascii_lowercase().as_str() {
            "sha1" | "sha-1" => Sha1::digest(bytes).to_vec(),
            "sha256" | "sha-256" => Sha256::digest(bytes).to_vec(),
            _ => return false,
        };
        self.value.trim_end_matches('=').eq_ignore_ascii_case(&base32(&digest))
            || self.value.eq_ignore_ascii_case(&base16(&digest))
    }
}

/// The digest of a payload or block, labelled as most readers expect it.
#[must_use]
pub fn sha1(bytes: &[u8]) -> String {
    format!("sha1:{}", base32(&Sha1::digest(bytes)))
}

/// RFC 4648, without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(group);
        for letter in 0..(chunk.len() * 8).div_ceil(5) {
            text.push(char::from(LETTERS[(bits >> (35 - 5 * letter)) as usize & 31]));
        }
    }
    text
}

fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_32_is_that_of_the_rfc() {
        let vectors = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
        ];
        for (text, expected) in vectors {
            assert_eq!(base32(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_digest_is_checked_however_it_is_written() {
        let bytes = b"";
        assert_eq!(sha1(bytes), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ");
        for (text, fits) in [
            ("sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", true),
            ("SHA-1:da39a3ee5e6b4b0d3255bfef95601890afd80709", true),
            ("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", true),
            ("sha1:AAAAA", false),
            ("crc:0", false),
        ] {
            assert_eq!(Digest::read(text).unwrap().is_of(bytes), fits, "{text}");
        }
        assert_eq!(Digest::read("nothing"), None);
    }
}
