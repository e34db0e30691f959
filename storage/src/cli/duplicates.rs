//! `storage duplicates`: pages that say the same.

use crate::{
    duplicates::{Alike, MAX_DISTANCE, alike, fingerprints},
    store::PageStore,
};
use anyhow::anyhow;
use std::io::Write;
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// List pages that say the same, or nearly: a JSON object a line for each group, the largest first.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DuplicatesArgs {
    /// Only of this job
    #[arg(long, value_name = "NAME|ID")]
    pub job: Option<String>,
    /// Most bits of the 64 of their SimHashes in which two pages may differ; 0 for pages with the same words
    #[arg(long, value_name = "BITS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_DISTANCE)))]
    pub within: u32,
}

const EXAMPLES: &str = "\
Pages have fingerprints in jobs with --fingerprints: trawl crawl URL --fingerprints, url-manager seed URL --fingerprints.

Examples:
  storage duplicates --job shop
  storage duplicates --job shop --within 0 | jq -r '.pages[1:][].url'      # what could be left out

Exit codes: 0 done, 2 usage, 3 configuration, 6 database, 7 output could not be written, 8 no such job, or no fingerprints.";

impl DuplicatesArgs {
    /// Writes the groups to `out`, and what they add up to to `talk`.
    ///
    /// # Errors
    /// When the store can't be read, `out` can't be written, or no page has a fingerprint.
    pub async fn run(
        &self,
        store: &dyn PageStore,
        out: &mut (dyn Write + Send),
        talk: &mut (dyn Write + Send),
    ) -> Result<(), CliError> {
        let job = super::job_named(store, self.job.as_deref()).await?;
        let pages = fingerprints(store, job).await?;
        if pages.is_empty() {
            let why = anyhow!("no page has a fingerprint: crawl or seed with --fingerprints, then ask again");
            return Err(CliError::new(Exit::NotFound, why));
        }
        let all = pages.len();
        let groups = alike(pages, self.within);
        for group in &groups {
            serde_json::to_writer(&mut *out, group).or_exit(Exit::Output)?;
            writeln!(out).or_exit(Exit::Output)?;
        }
        out.flush().or_exit(Exit::Output)?;
        let among: usize = groups.iter().map(|Alike { pages, .. }| pages.len()).sum();
        // Talk that nobody hears is nobody's loss.
        let _ = writeln!(
            talk,
            "{all} pages with fingerprints; {among} of them in {} groups of pages alike",
            groups.len()
        );
        Ok(())
    }
}
