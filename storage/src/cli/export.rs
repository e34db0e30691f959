//! `storage export`: stored pages as rows.

use crate::{
    export::{ExportError, WholeFile, export},
    sink::{Format, Target},
    store::PageStore,
};
use std::{io::Write, path::Path};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::JobId,
};

/// Write stored pages as rows.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    /// Format; the file name tells it where this is not given
    #[arg(long)]
    pub format: Option<Format>,
    /// Only the pages of this job
    #[arg(long, value_name = "ID")]
    pub job: Option<JobId>,
    /// File, or - for standard output; a file has its name only once it is complete
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub out: Target,
}

impl ExportArgs {
    /// Exports, and answers how many rows there were. `stdout` is what `-` stands for; `progress` hears the
    /// rows so far.
    ///
    /// # Errors
    /// When the store can't be read or the rows can't be written.
    pub async fn run(
        &self,
        store: &dyn PageStore,
        stdout: &mut (dyn Write + Send),
        progress: impl FnMut(u64),
    ) -> Result<u64, CliError> {
        let format = match self.format {
            Some(format) => format,
            None => self.out.format().or_exit(Exit::Usage)?,
        };
        let target = self.out.to_string();
        let rows = match &self.out {
            Target::Stdout => export(store, self.job, format, &target, stdout, progress).await,
            Target::File(path) => to_file(store, self.job, format, path, progress).await,
        };
        rows.map_err(|error| match error {
            ExportError::Store(error) => error.into(),
            ExportError::Output { .. } => CliError::new(Exit::Output, error),
            ExportError::Row(_) => CliError::new(Exit::Failed, error),
        })
    }
}

async fn to_file(
    store: &dyn PageStore,
    job: Option<JobId>,
    format: Format,
    path: &Path,
    progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let target = path.display().to_string();
    let failed = |rows, source| ExportError::Output { target: target.clone(), rows, source };
    let mut file = WholeFile::create(path).map_err(|source| failed(0, source))?;
    let rows = export(store, job, format, &target, &mut file, progress).await?;
    file.finish().map_err(|source| failed(rows, source))?;
    Ok(rows)
}
