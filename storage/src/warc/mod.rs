//! WARC (ISO 28500, WARC 1.1), read and written, and its index (CDXJ).
//!
//! - [`Reader`]: the records of a `.warc`, `.warc.gz` or `.arc` file, one after the other; [`Record`] and its HTTP message.
//! - [`exchange`]: the records of one fetched page; [`write`]: a record as the gzip member it is in a file.
//! - [`index`]: the CDXJ lines of a file; [`surt`]: the keys that they are sorted by.
//!
//! What is written is what the specification has as best practice: a gzip member for each record, a
//! `warcinfo` first, digests over payload and block, request and metadata concurrent to their response.

mod arc;
mod cdxj;
mod coding;
mod digest;
mod exchange;
mod fields;
mod http;
mod reader;
mod record;
mod surt;
mod write;

pub(crate) use cdxj::index_name;
pub use cdxj::{IndexError, index};
pub use digest::{Digest, sha1};
pub use exchange::{Earlier, exchange};
pub(crate) use exchange::{payload_digest, response_id};
pub use fields::Fields;
pub use http::HttpMessage;
pub use reader::{ReadError, Reader};
pub use record::Record;
pub use surt::surt;
pub use write::{NewRecord, warcinfo, write};
