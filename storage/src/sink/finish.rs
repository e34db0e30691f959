//! What makes a complete file of a growing one.

use super::{Format, convert};
use crate::{export::WholeFile, row::RowSet, warc};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// What happens at the end of a file.
#[derive(Clone, Debug)]
pub(crate) enum Finish {
    /// It is what it should be, and gets its name.
    Name,
    /// Its lines become a format.
    Convert(RowSet, Format),
    /// It gets its name, after its index has one.
    Index,
}

impl Finish {
    /// Whether the complete file has the bytes of the growing one.
    pub(super) fn keeps_bytes(&self) -> bool {
        !matches!(self, Self::Convert(..))
    }

    /// Gives `whole` its name, at once and with its bytes on the disk. Done twice it is done once.
    pub(super) fn run(&self, growing: &Path, whole: &Path) -> io::Result<()> {
        match self {
            Self::Name => fs::rename(growing, whole),
            Self::Convert(set, format) => {
                let mut file = WholeFile::create(whole)?;
                convert(growing, set, *format, &mut file)?;
                file.finish()?;
                fs::remove_file(growing)
            }
            Self::Index => {
                let name = whole.file_name().unwrap_or_default().to_string_lossy();
                let lines = warc::index(File::open(growing)?, &name).map_err(io::Error::other)?;
                let mut index = WholeFile::create(&whole.with_file_name(warc::index_name(&name)))?;
                for line in lines {
                    writeln!(index, "{line}")?;
                }
                index.finish()?;
                fs::rename(growing, whole)
            }
        }
    }
}
