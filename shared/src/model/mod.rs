//! What the services talk about: jobs, tasks, pages and how they end. Plain data: nothing here
//! knows a runtime, a broker, a database or HTTP.

mod access;
mod ended;
mod failure_class;
mod ids;
mod link_kind;
mod page;
mod retry;
mod rules;
mod scraped;
mod secret;
mod settings;
mod task;
pub mod url;
mod validators;

pub use access::{AccessError, Auth, Credentials, ProxyUrl, RequestHeader, TlsSettings};
pub use ended::{Outcome, TaskEnded, code};
pub use failure_class::FailureClass;
pub use ids::{JobId, MessageId, TaskId};
pub use link_kind::{LinkKind, LinkKinds, UnknownLinkKind};
pub use page::{Feed, Icon, Link, MetaTag, OtherLinks, ParsedPage};
pub use retry::{Finite, JOB_CLASSES, MAX_ATTEMPTS, MAX_RETRY_WAIT, PolicyChange, RetryChanges, RetryRule};
pub use rules::{MAX_RULES_BYTES, RulesFileError, RulesText};
pub use scraped::{KeptBody, ScrapedPage};
pub use secret::{REDACTED, Secret};
pub use settings::{
    DEFAULT_USER_AGENT, ExtractSettings, FetchBounds, FetchSettings, Oversize, PaceMode, RobotsPolicy,
    TypeRules,
};
pub use task::{FetchTask, Origin};
pub use url::{CanonicalUrl, HostKey, MAX_URL_LENGTH, UrlError, UrlProfile, UrlRules};
pub use validators::Validators;
