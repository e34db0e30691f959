//! The crawl loop of a floor: a queue, a set of what was seen, a bound on what is under way.

use std::collections::{HashSet, VecDeque};
use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reqwest::Client;
use serde::{Serialize, Serializer};
use url::Url;

use super::parser::{Extracted, Parser, dom, streaming};
use super::resolve::{Override, Overrides};

/// Connections to a host that are kept for its next pages.
const IDLE_PER_HOST: usize = 8;

/// A crawl to be run.
#[derive(Clone, Debug)]
pub struct Floor {
    /// How HTML is read.
    pub parser: Parser,
    /// Where the crawl starts; their hosts are its scope.
    pub seeds: Vec<Url>,
    /// Where names lead.
    pub resolve: Vec<Override>,
    /// Most requests under way.
    pub concurrency: usize,
}

/// What a crawl came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FloorReport {
    /// Pages written.
    pub pages: u64,
    /// URLs that gave no page.
    pub failed: u64,
}

/// One line of output.
#[derive(Serialize)]
struct Row<'a> {
    url: &'a str,
    title: Option<&'a str>,
    #[serde(serialize_with = "as_strings")]
    links: &'a [Url],
}

fn as_strings<S: Serializer>(links: &&[Url], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(links.iter().map(Url::as_str))
}

impl Floor {
    /// Crawls everything in scope and writes one JSON object a page to `out`.
    pub async fn run(self, out: &mut impl Write) -> anyhow::Result<FloorReport> {
        let client = self.client()?;
        let scope: HashSet<String> = self.seeds.iter().filter_map(Url::host_str).map(str::to_owned).collect();
        let mut seen: HashSet<String> = self.seeds.iter().map(|seed| seed.as_str().to_owned()).collect();
        let mut queue: VecDeque<Url> = self.seeds.into();
        let mut under_way = FuturesUnordered::new();
        let mut report = FloorReport::default();
        loop {
            while under_way.len() < self.concurrency {
                let Some(url) = queue.pop_front() else { break };
                under_way.push(fetch(&client, self.parser, url));
            }
            let Some((url, page)) = under_way.next().await else { break };
            let page = match page {
                Ok(Some(page)) => page,
                Ok(None) => {
                    report.failed += 1;
                    continue;
                }
                Err(error) => {
                    eprintln!("{error:#}");
                    report.failed += 1;
                    continue;
                }
            };
            report.pages += 1;
            let row = Row { url: url.as_str(), title: page.title.as_deref(), links: &page.links };
            serde_json::to_writer(&mut *out, &row).context("cannot write the output")?;
            out.write_all(b"\n").context("cannot write the output")?;
            for link in page.links {
                if !seen.contains(link.as_str()) && link.host_str().is_some_and(|host| scope.contains(host)) {
                    seen.insert(link.as_str().to_owned());
                    queue.push_back(link);
                }
            }
        }
        out.flush().context("cannot write the output")?;
        Ok(report)
    }

    fn client(&self) -> anyhow::Result<Client> {
        // reqwest is built without a TLS provider of its own; a second installation is refused and does no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder()
            .user_agent("trawl-bench-floor")
            .no_proxy()
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .dns_resolver(Arc::new(Overrides(self.resolve.clone())))
            .build()
            .context("cannot build the HTTP client")
    }
}

/// Fetches one URL; `None` if it gave no HTML page.
async fn fetch(client: &Client, parser: Parser, url: Url) -> (Url, anyhow::Result<Option<Extracted>>) {
    let page = read(client, parser, &url).await;
    (url, page)
}

async fn read(client: &Client, parser: Parser, url: &Url) -> anyhow::Result<Option<Extracted>> {
    let response = client.get(url.clone()).send().await.with_context(|| format!("cannot fetch {url}"))?;
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
    let html = content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !response.status().is_success() || !html {
        return Ok(None);
    }
    let base = response.url().clone();
    Ok(Some(match parser {
        Parser::LolHtml => streaming(Box::pin(response.bytes_stream()), &base).await?,
        Parser::Dom => dom(&response.bytes().await?, &base),
    }))
}
