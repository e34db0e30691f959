//! Addresses: which URL a thing has, and which thing a URL names.
//!
//! Paths carry the page number in plain sight, so finding a page is parsing, not looking up; a path counts only if it
//! is exactly the one that the page would be given. Every URL is in canonical form as it stands (lower case, sorted
//! query, no index file), so that what a crawler canonicalises away never changes which pages there are.

use super::Web;
use super::words::{SECTIONS, WORDS};

/// The domain under which all hosts live.
pub const DOMAIN: &str = "synthetic.test";

/// Something on a host that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The host's robots.txt.
    Robots,
    /// A page, by number; some redirect or fail.
    Page(u32),
    /// A stop on the way of a page that moved, with the stops still ahead.
    Hop {
        /// The page that moved.
        page: u32,
        /// Stops ahead, this one included.
        left: u32,
    },
    /// A file that is no HTML, by number.
    File(u32),
}

impl Web {
    /// The name of a host.
    pub fn host_name(&self, host: u32) -> String {
        format!("h{host}.{DOMAIN}")
    }

    /// The host of that name, which may carry a port as in a `Host` header.
    pub fn host_of(&self, name: &str) -> Option<u32> {
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        let number = name.strip_suffix(DOMAIN)?.strip_suffix('.')?.strip_prefix('h')?;
        let host = number.parse().ok()?;
        (host < self.hosts() && self.host_name(host) == name).then_some(host)
    }

    /// The absolute URL of a place.
    pub fn url(&self, host: u32, place: Place) -> String {
        format!("http://h{host}.{DOMAIN}:{}{}", self.port, self.path(host, place))
    }

    /// The path and query of a place.
    pub fn path(&self, host: u32, place: Place) -> String {
        match place {
            Place::Robots => "/robots.txt".to_owned(),
            Place::Page(page) => self.page_path(host, page),
            Place::Hop { page, left } => format!("/moved/{page}/{left}"),
            Place::File(number) => {
                let name = self.draw("file name", &[host, number]).pick(&WORDS);
                format!("/files/{name}-{number}.{}", self.file_kind(host, number).extension())
            }
        }
    }

    fn page_path(&self, host: u32, page: u32) -> String {
        let Some((section, rank)) = self.layout(host).place(page) else { return "/".to_owned() };
        let section = self.section_name(host, section);
        if rank == 0 {
            return format!("/{section}/");
        }
        let mut draw = self.draw("path", &[host, page]);
        let form = draw.below(100);
        let (first, second) = (draw.pick(&WORDS), draw.pick(&WORDS));
        match form {
            0..80 => format!("/{section}/{first}-{second}-{page}.html"),
            80..95 => format!("/{section}/{first}-{second}-{page}/"),
            _ => format!("/{section}/view?id={page}&topic={first}"),
        }
    }

    /// The name of a host's section; hosts start at different names.
    pub(super) fn section_name(&self, host: u32, section: u32) -> &'static str {
        let start = self.draw("sections", &[host]).below(SECTIONS.len() as u32);
        SECTIONS[((start + section) as usize) % SECTIONS.len()]
    }

    /// What `target` (path and query) names on a host, if anything.
    pub fn find(&self, host: u32, target: &str) -> Option<Place> {
        let place = self.candidate(host, target)?;
        (self.path(host, place) == target).then_some(place)
    }

    /// What `target` would name if it were spelled right.
    fn candidate(&self, host: u32, target: &str) -> Option<Place> {
        if target == "/" {
            return Some(Place::Page(0));
        }
        if target == "/robots.txt" {
            return Some(Place::Robots);
        }
        if let Some(stop) = target.strip_prefix("/moved/") {
            let (page, left) = stop.split_once('/')?;
            let (page, left) = (page.parse().ok()?, left.parse().ok()?);
            return self.has_hop(host, page, left).then_some(Place::Hop { page, left });
        }
        if let Some(file) = target.strip_prefix("/files/") {
            let number = file.split_once('.')?.0.rsplit_once('-')?.1.parse().ok()?;
            return self.has_file(host, number).then_some(Place::File(number));
        }
        let page = match target.split_once("?id=") {
            Some((_, query)) => query.split_once('&')?.0.parse().ok()?,
            None => match target.trim_end_matches(".html").trim_end_matches('/').rsplit_once('-') {
                Some((_, number)) => number.parse().ok()?,
                None => self.landing(host, target)?,
            },
        };
        (page < self.pages_of(host)).then_some(Place::Page(page))
    }

    /// The landing page that `/section/` names.
    fn landing(&self, host: u32, target: &str) -> Option<u32> {
        let name = target.trim_matches('/');
        let layout = self.layout(host);
        let section = layout.sections().find(|section| self.section_name(host, *section) == name)?;
        layout.page(section, 0)
    }
}
