//! The frontier as it grows: what offering links, giving URLs out and asking how a job stands cost at each size.
//!
//! The frontier runs in this process, through the doors that its service uses: records of `parsed-data` in, records
//! of `scraping-tasks` out. Each size has a database of its own. It is filled with pages whose links are all new,
//! then measured with pages as a crawl meets them ([`site`]): of a hundred links ninety-five are known.

mod crawl;
mod report;
mod site;

use std::str::FromStr;

use anyhow::Context as _;
use trawl_shared::sql::DatabaseUrl;

use crate::gauge;
use crawl::Crawl;
use report::Row;

/// Measures the frontier at each of some sizes, smallest first, and prints a table.
#[derive(Debug, clap::Args)]
pub struct Growth {
    /// URLs in the frontier when it is measured, such as 100k,1m,10m.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "100k,1m")]
    urls: Vec<Size>,
    /// `sqlite`, or the URL of an empty PostgreSQL database; one holds one size only.
    #[arg(long, value_name = "URL", default_value = "sqlite")]
    database: String,
    /// Hosts that the URLs are spread over.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    hosts: u32,
    /// Pages of each measurement.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    pages: u32,
    /// One JSON object a line for each size.
    #[arg(long)]
    json: bool,
}

/// A number of URLs, with `k` or `m` behind it for thousands and millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Size(u64);

impl FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let (digits, unit) = match lower.as_bytes().last() {
            Some(b'k') => (&lower[..lower.len() - 1], 1_000),
            Some(b'm') => (&lower[..lower.len() - 1], 1_000_000),
            _ => (&*lower, 1),
        };
        let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        number
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no number of URLs; write 100000, 100k or 10m"))
    }
}

/// Runs the measurements.
pub fn run(growth: &Growth) -> anyhow::Result<()> {
    let mut sizes = growth.urls.clone();
    sizes.sort_unstable();
    let database: Option<DatabaseUrl> = match growth.database.as_str() {
        "sqlite" => None,
        url => Some(url.parse().context("--database takes `sqlite` or the URL of a database")?),
    };
    anyhow::ensure!(
        database.is_none() || sizes.len() == 1,
        "a database that is not made here holds one size only: give one with --urls"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows: Vec<Row> = Vec::new();
    for Size(urls) in sizes {
        let folder = tempfile::tempdir().context("cannot make a folder for the frontier")?;
        let place = database.clone().unwrap_or_else(|| DatabaseUrl::sqlite(folder.path()));
        let row = runtime.block_on(measure(growth, &place, urls))?;
        if growth.json {
            println!("{}", serde_json::to_string(&row)?);
        }
        rows.push(row);
    }
    if !growth.json {
        print!("{}", report::table(&rows));
    }
    Ok(())
}

async fn measure(growth: &Growth, place: &DatabaseUrl, urls: u64) -> anyhow::Result<Row> {
    gauge::forget_peak();
    let mut crawl = Crawl::start(place, growth.hosts).await?;
    let filled = crawl.fill(urls).await?;
    eprintln!("{urls} URLs are in after {filled:.1?}");
    // Not counted: caches get used to pages that look different from those it was filled with.
    crawl.pages(growth.pages / 5).await?;
    let cost = crawl.pages(growth.pages).await?;
    let row = Row {
        urls: crawl.urls().await?,
        filled_s: filled.as_secs_f64(),
        links_per_s: cost.links as f64 / cost.offering.wall_s,
        cpu_us_per_link: cost.offering.cpu_s * 1e6 / cost.links as f64,
        dispatched_per_s: cost.pages as f64 / cost.dispatch.wall_s,
        cpu_us_per_dispatch: cost.dispatch.cpu_s * 1e6 / cost.pages as f64,
        status_ms: crawl.status_ms().await?,
        bytes_per_url: crawl.database_bytes().await? as f64 / crawl.urls().await? as f64,
        peak_mib: gauge::peak_mib(),
    };
    crawl.stop().await;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_do() {
        let read = |text: &str| text.parse::<Size>().map(|size| size.0);
        assert_eq!(read("100k"), Ok(100_000));
        assert_eq!(read("10M"), Ok(10_000_000));
        assert_eq!(read("42"), Ok(42));
        assert!(["", "k", "0", "-1", "1g"].iter().all(|text| read(text).is_err()));
    }
}
