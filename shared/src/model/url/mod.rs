//! URLs: how a text becomes one, which of them are one page, and which host they belong to.
//!
//! Three steps, each on its own:
//!
//! 1. [`resolve()`]: what a browser makes of a reference (<https://url.spec.whatwg.org/>).
//! 2. [`CanonicalUrl`]: spellings that no server can tell apart become one. Every URL in a message has
//!    this form.
//! 3. [`UrlRules`]: what a job takes to be one page besides (tracking parameters, the order of
//!    parameters, index files). They give canonical URLs too.
//!
//! [`normalise`] is all of it from text to text, for the command line.

mod canonical;
mod escapes;
mod host;
mod normalise;
mod query;
mod resolve;
mod rules;

pub use canonical::{CanonicalUrl, MAX_URL_LENGTH, UrlError};
pub use host::HostKey;
pub use normalise::{Normalised, normalise};
pub use resolve::{Resolved, resolve};
pub use rules::{SESSION_PARAMS, TRACKING_PARAMS, UrlProfile, UrlRules};
pub use trawl_public_suffix::registrable_domain;
