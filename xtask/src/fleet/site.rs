//! The site that the fleet crawls: some hosts of linked pages, and what a crawl of them must end in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const HOSTS: [&str; 4] = ["one.site.test", "two.site.test", "three.site.test", "four.site.test"];
/// Pages of a host. At the pace that the test asks for, a crawl of them lasts longer than all that is done to it.
const PAGES: usize = 600;

/// The site. All its hosts have the same pages.
pub(super) struct Site {
    files: BTreeMap<String, String>,
}

impl Site {
    pub(super) fn draw() -> Self {
        let mut files: BTreeMap<_, _> = (0..PAGES).map(|number| (path(number), page(number))).collect();
        files.insert("robots.txt".to_owned(), "User-agent: *\nDisallow: /private/\n".to_owned());
        Self { files }
    }

    /// Writes it as files for a web server.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        for (name, text) in &self.files {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }

    pub(super) fn hosts(&self) -> &'static [&'static str] {
        &HOSTS
    }

    pub(super) fn seeds(&self) -> Vec<String> {
        HOSTS.iter().map(|host| format!("http://{host}/")).collect()
    }

    /// How the URLs of a crawl of all hosts end, by state: each page is stored, one link a host leads nowhere, one to
    /// where robots.txt lets nobody in.
    pub(super) fn ends(&self) -> BTreeMap<&'static str, u64> {
        let of_all = |of_one: usize| (of_one * HOSTS.len()) as u64;
        BTreeMap::from([("stored", of_all(PAGES)), ("gone", of_all(1)), ("excluded", of_all(1))])
    }

    /// The URLs of the pages.
    pub(super) fn pages(&self) -> Vec<String> {
        let of = |host: &&str| (0..PAGES).map(|number| url(host, number)).collect::<Vec<_>>();
        HOSTS.iter().flat_map(of).collect()
    }
}

fn path(number: usize) -> String {
    if number == 0 { "index.html".to_owned() } else { format!("page-{number}.html") }
}

fn url(host: &str, number: usize) -> String {
    if number == 0 { format!("http://{host}/") } else { format!("http://{host}/{}", path(number)) }
}

/// A tree with four branches at each page, so that the queues fill at once; and a link back, and one across.
fn page(number: usize) -> String {
    let mut links: Vec<usize> =
        (1..=4).map(|branch| number * 4 + branch).filter(|next| *next < PAGES).collect();
    links.extend([number / 4, (number * 7 + 3) % PAGES]);
    let mut text = format!("<!doctype html>\n<html lang=\"en\">\n<title>Page {number}</title>\n");
    for next in links {
        let place = if next == 0 { "/".to_owned() } else { format!("/{}", path(next)) };
        let _ = writeln!(text, "<p>Further on: <a href=\"{place}\">page {next}</a>.");
    }
    if number == PAGES - 1 {
        text.push_str("<p><a href=\"/missing.html\">not there</a>, <a href=\"/private/\">not for you</a>.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_page_can_be_reached() {
        let site = Site::draw();
        let mut seen = BTreeSet::from([String::new()]);
        let mut queue = vec!["index.html".to_owned()];
        while let Some(name) = queue.pop() {
            let Some(text) = site.files.get(&name) else { continue };
            for link in text.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next()) {
                if seen.insert(link.to_owned()) {
                    queue.push(link.to_owned());
                }
            }
        }
        let ends: u64 = site.ends().values().sum();
        assert_eq!(seen.len() * HOSTS.len(), usize::try_from(ends).unwrap());
        assert_eq!(site.pages().len(), PAGES * HOSTS.len());
    }
}
