//! What the services talk about: jobs, tasks, pages and how they end. Plain data: nothing here
//! knows a runtime, a broker, a database or HTTP.

mod ended;
mod ids;
mod link_kind;
mod page;
mod scraped;
mod settings;
mod task;
pub mod url;

pub use ended::{Outcome, TaskEnded, code};
pub use ids::{JobId, MessageId, TaskId};
pub use link_kind::{LinkKind, LinkKinds, UnknownLinkKind};
pub use page::{Feed, Icon, Link, MetaTag, OtherLinks, ParsedPage};
pub use scraped::ScrapedPage;
pub use settings::{DEFAULT_USER_AGENT, ExtractSettings, FetchSettings, RobotsPolicy};
pub use task::{FetchTask, Origin};
pub use url::{CanonicalUrl, HostKey, MAX_URL_LENGTH, UrlError, UrlProfile, UrlRules};
