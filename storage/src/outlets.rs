//! All that a process writes besides the store, opened and completed together.

use crate::{
    archive::{Archive, ArchiveHandler, ArchiveSpec},
    handler::{OutputTrouble, StoreHandler, Trouble},
    row::{ColumnError, RowSet, Rows},
    sink::{
        Format, OutputMode, OutputSpec, Outputs, Rotation, SharedOutputs, Target, TargetError, WriteFailure,
    },
    store::PageStore,
};
use std::{path::PathBuf, sync::Arc};
use trawl_shared::{
    blob::{BlobError, Bodies},
    model::JobId,
};

/// A file that can't be written as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutletError {
    /// Its name does not tell its format.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Its URL can't be used.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// There is no such column.
    #[error(transparent)]
    Columns(#[from] ColumnError),
}

/// A file as it is asked for: rows, or by its name an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlet {
    /// Rows.
    Rows(OutputSpec),
    /// What was fetched.
    Archive(ArchiveSpec),
}

impl Outlet {
    /// What the name of a target asks for. Formats that hold rows get those of `rows`.
    ///
    /// # Errors
    /// When the name does not tell a format, or a URL can't be used by this program.
    pub fn named(
        target: &Target,
        rows: Rows,
        rotation: Option<Rotation>,
        job: Option<JobId>,
    ) -> Result<Self, OutletError> {
        let format = target.format()?;
        target.check()?;
        if format == Format::Warc {
            return Ok(Self::Archive(ArchiveSpec { target: target.clone(), rotation, job }));
        }
        let set = RowSet::new(rows, &[], format == Format::Csv)?;
        Ok(Self::Rows(OutputSpec { target: target.clone(), format, set, rotation, job }))
    }
}

/// The open files of a process. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Outlets {
    rows: Option<SharedOutputs>,
    archives: Vec<Archive>,
    bodies: Bodies,
    trouble: Trouble,
}

impl Outlets {
    /// The same files, where archives get the bodies that records only name.
    #[must_use]
    pub fn with_bodies(self, bodies: Bodies) -> Self {
        Self { bodies, ..self }
    }

    /// Opens files.
    ///
    /// # Errors
    /// When one can't be opened or written, or the store can't be asked.
    pub async fn open(
        store: &dyn PageStore,
        outlets: Vec<Outlet>,
        mode: OutputMode,
    ) -> Result<Self, WriteFailure> {
        let (mut rows, mut archives) = (Vec::new(), Vec::new());
        for outlet in outlets {
            match outlet {
                Outlet::Rows(spec) => rows.push(spec),
                Outlet::Archive(spec) => archives.push(Archive::open(store, spec, mode).await?),
            }
        }
        let rows = match rows.is_empty() {
            true => None,
            false => Some(Outputs::open(store, rows, mode).await?.into()),
        };
        Ok(Self { rows, archives, bodies: Bodies::default(), trouble: Trouble::default() })
    }

    /// The handlers that write them.
    #[must_use]
    pub fn handlers(&self, store: &Arc<dyn PageStore>) -> (StoreHandler, Option<ArchiveHandler>) {
        let rows = match &self.rows {
            Some(rows) => StoreHandler::beside(Arc::clone(store), rows.clone(), self.trouble.clone()),
            None => StoreHandler::new(Arc::clone(store)),
        };
        let archive = || {
            let (archives, bodies) = (self.archives.clone(), self.bodies.clone());
            ArchiveHandler::new(Arc::clone(store), archives, bodies, self.trouble.clone())
        };
        (rows, (!self.archives.is_empty()).then(archive))
    }

    /// What tells when one of them can't be written.
    #[must_use]
    pub fn trouble(&self) -> OutputTrouble {
        self.trouble.listen()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_none() && self.archives.is_empty()
    }

    /// Gives every file its name; answers those names. Nothing may be written afterwards.
    ///
    /// # Errors
    /// When a file can't be completed, or the store can't be asked what belongs in it.
    pub async fn complete(&self, store: &dyn PageStore) -> Result<Vec<PathBuf>, WriteFailure> {
        let mut whole = Vec::new();
        for archive in &self.archives {
            whole.push(archive.complete(store).await?);
        }
        if let Some(rows) = &self.rows {
            whole.extend(rows.complete(store).await?);
        }
        for archive in &self.archives {
            archive.forget_sent().await?;
        }
        if let Some(rows) = &self.rows {
            rows.forget_sent().await?;
        }
        Ok(whole)
    }

    /// Ends the files that are large or old enough, and begins others.
    ///
    /// # Errors
    /// As [`Outlets::complete`].
    pub async fn rotate(&self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        for archive in &self.archives {
            archive.rotate(store).await?;
        }
        match &self.rows {
            Some(rows) => rows.rotate(store).await,
            None => Ok(()),
        }
    }
}
