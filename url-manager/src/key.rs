//! The key of a URL within its queue: a hash that keeps neighbours together.
//!
//! A page links mostly to pages of a few folders. A plain hash would scatter those links over the
//! whole index, so that each of them dirties a page of it; with the folder's hash in front they land
//! side by side, however many URLs the host has. Measured on 60,000 URLs in SQLite: 3.9 instead of
//! 6.5 CPU µs a row.

use serde::{Serialize, Serializer};
use trawl_shared::model::CanonicalUrl;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// 32 bits of the folder, then 96 bits of the whole URL: among ten million URLs of one host two share
/// a key with a probability below one in 10^14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UrlKey([u8; 16]);

impl UrlKey {
    /// The key of a URL.
    #[must_use]
    pub(crate) fn of(url: &CanonicalUrl) -> Self {
        let text = url.as_str();
        let path = text.find('?').map_or(text, |query| &text[..query]);
        let folder = &path[..=path.rfind('/').unwrap_or(path.len() - 1)];
        let mut key = [0; 16];
        key[..4].copy_from_slice(&xxh3_64(folder.as_bytes()).to_be_bytes()[..4]);
        key[4..].copy_from_slice(&xxh3_128(text.as_bytes()).to_be_bytes()[..12]);
        Self(key)
    }

    /// The bytes, as SQLite keeps them.
    #[must_use]
    pub(crate) const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The hexadecimal form that PostgreSQL reads as a UUID.
impl Serialize for UrlKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = uuid::Uuid::encode_buffer();
        serializer.serialize_str(uuid::Uuid::from_bytes(self.0).simple().encode_lower(&mut buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> [u8; 16] {
        *UrlKey::of(&CanonicalUrl::parse(url).unwrap()).bytes()
    }

    #[test]
    fn a_folder_shares_its_first_bytes() {
        let folder = |url: &str| key(url)[..4].to_vec();
        assert_eq!(folder("http://a.example/x/1.html"), folder("http://a.example/x/2.html?q=/y/"));
        assert_ne!(folder("http://a.example/x/1.html"), folder("http://a.example/y/1.html"));
        assert_ne!(key("http://a.example/x/1.html"), key("http://a.example/x/2.html"));
    }

    /// Golden: keys are in databases.
    #[test]
    fn keys_never_change() {
        let hex: String =
            key("http://a.example/x/1.html?q").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "358bc04b6a157075b483badc96ded10d");
    }
}
