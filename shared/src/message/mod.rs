//! Messages on the wire: records, their headers, and the typed messages inside them.
//!
//! Metadata travels in headers by the CloudEvents Kafka binding (binary mode); the value is the
//! payload and nothing else. [`headers`] owns every name.

mod codec;
mod envelope;
pub mod headers;
mod letter;
mod record;
mod recovered;
mod topic;
mod trace;

pub use codec::{DecodeError, EncodeError, Input, Message, json_text};
pub use envelope::{Attempt, Envelope, EnvelopeError, Source};
pub use letter::{DeadLetter, LetterReason, RetryNotice};
pub use record::{Delivery, Headers, Record};
pub use recovered::{LetterNews, Recovered};
pub use topic::Topic;
pub use trace::{TraceContext, TraceError};
