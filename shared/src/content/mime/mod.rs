//! Media types as browsers see them: parsing a `Content-Type`, and finding out what a body is where
//! the header is missing or known to lie (WHATWG MIME Sniffing, <https://mimesniff.spec.whatwg.org/>).

mod media_type;
mod patterns;
mod sniff;

pub use media_type::MediaType;
pub use sniff::{SNIFFED_BYTES, differing_essence, sniff};
