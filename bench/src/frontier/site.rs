//! Sites whose pages are arithmetic: nothing is kept of them but how many of each host's URLs have been named so far.

use fastrand::Rng;
use trawl_shared::model::{Link, LinkKind};

/// Links of a page.
pub(super) const LINKS: u64 = 100;
/// How many of them are new, once the frontier is filled.
pub(super) const NEW: u64 = 5;
/// URLs of one folder.
const FOLDER: u64 = 60;

/// The hosts, and how many of their URLs have been found.
#[derive(Debug)]
pub(super) struct Sites {
    found: Vec<u64>,
    random: Rng,
}

impl Sites {
    /// Hosts of which the first URL is known.
    pub(super) fn new(hosts: u32) -> Self {
        Self { found: vec![1; hosts as usize], random: Rng::with_seed(42) }
    }

    /// URLs found so far.
    pub(super) fn found(&self) -> u64 {
        self.found.iter().sum()
    }

    /// The first URL of every host.
    pub(super) fn roots(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.found.len()).map(|host| url(host, 0))
    }

    /// The links of a page of which `new` are new. The known ones lead to the site's first folder, to the page's
    /// own, and (a third) to any page of the site: so many of them fell out of every cache that is smaller than it.
    pub(super) fn links(&mut self, page: &str, new: u64) -> anyhow::Result<Vec<Link>> {
        let (host, at) = place(page).ok_or_else(|| anyhow::anyhow!("{page} is no URL of these sites"))?;
        let found = self.found[host];
        let folder = at / FOLDER * FOLDER;
        let mut links = Vec::with_capacity(usize::try_from(LINKS)?);
        for link in 0..LINKS - new {
            let target = match link % 3 {
                0 => self.random.u64(..found),
                1 => self.random.u64(..found.min(FOLDER)),
                _ => folder + self.random.u64(..FOLDER.min(found - folder)),
            };
            links.push(self::link(host, target));
        }
        links.extend((found..found + new).map(|target| self::link(host, target)));
        self.found[host] += new;
        Ok(links)
    }
}

fn url(host: usize, page: u64) -> String {
    format!("http://h{host}.example/library/chapter-{:04}/some-page-{page}.html", page / FOLDER)
}

fn link(host: usize, page: u64) -> Link {
    Link {
        url: url(host, page),
        raw: format!("some-page-{page}.html"),
        text: format!("Some page about the subject {page}"),
        kind: LinkKind::A,
        ..Link::default()
    }
}

/// Host and number of a page.
fn place(url: &str) -> Option<(usize, u64)> {
    let host = url.strip_prefix("http://h")?.split('.').next()?.parse().ok()?;
    let page = url.rsplit('-').next()?.strip_suffix(".html")?.parse().ok()?;
    Some((host, page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_page_names_known_urls_and_as_many_new_ones_as_asked() {
        let mut sites = Sites::new(3);
        let root = url(1, 0);
        assert_eq!(place(&root), Some((1, 0)));
        assert_eq!(sites.links(&root, LINKS).unwrap().len() as u64, LINKS);
        let known: BTreeSet<String> = (0..sites.found[1]).map(|page| url(1, page)).collect();
        let links = sites.links(&url(1, 70), NEW).unwrap();
        let new = links.iter().filter(|link| !known.contains(&link.url)).count() as u64;
        assert_eq!((links.len() as u64, new, sites.found()), (LINKS, NEW, 1 + LINKS + NEW + 2));
    }
}
