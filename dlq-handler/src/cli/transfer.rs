//! `dlq-handler export` and `import`: letters to another ledger, or to a file and back.

use super::ChooseArgs;
use crate::{store::Ledger, transfer::Moved};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// Letters read from the ledger at once.
const AT_ONCE: usize = 64;

/// Which letters to write out.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    /// Which; all of them where nothing is said.
    #[command(flatten)]
    pub letters: ChooseArgs,
    /// The file; standard output without it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl ExportArgs {
    /// Writes one JSON object a line, with everything that is known of the letter.
    ///
    /// # Errors
    /// When a letter is not there, the ledger can't be asked, or nothing can be written.
    pub async fn run(&self, ledger: &dyn Ledger, out: &mut dyn Write) -> Result<(), CliError> {
        let letters = self.letters.letters(ledger, false).await?;
        let mut file;
        let out: &mut dyn Write = match &self.out {
            Some(path) => {
                file = BufWriter::new(
                    File::create(path).map_err(|error| named(path, &error)).or_exit(Exit::Output)?,
                );
                &mut file
            }
            None => out,
        };
        let (mut place, mut written) = (0, 0_u64);
        loop {
            let ids = letters.next(ledger, &mut place, AT_ONCE).await?;
            if ids.is_empty() {
                break;
            }
            for id in ids {
                if let Some(letter) = Moved::load(ledger, id).await? {
                    serde_json::to_writer(&mut *out, &letter).or_exit(Exit::Output)?;
                    writeln!(out).or_exit(Exit::Output)?;
                    written += 1;
                }
            }
        }
        out.flush().or_exit(Exit::Output)?;
        eprintln!("{written} letters written");
        Ok(())
    }
}

/// Where letters come from.
#[derive(Clone, Debug, clap::Args)]
pub struct ImportArgs {
    /// A file that `export` wrote; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

impl ImportArgs {
    /// Enters the letters of the file that are not here yet, or were here in an earlier generation. They keep states and history.
    ///
    /// # Errors
    /// When the file can't be read or the ledger fails; with exit code 4 when lines were bad and the others went in.
    pub async fn run(&self, ledger: &dyn Ledger, out: &mut dyn Write) -> Result<(), CliError> {
        let lines: Box<dyn BufRead + Send> = if self.file == Path::new("-") {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let file =
                File::open(&self.file).map_err(|error| named(&self.file, &error)).or_exit(Exit::Usage)?;
            Box::new(BufReader::new(file))
        };
        let (mut entered, mut known, mut bad) = (0_u64, 0_u64, 0_u64);
        for (number, line) in (1_u64..).zip(lines.lines()) {
            let line = line.map_err(|error| named(&self.file, &error)).or_exit(Exit::BadInput)?;
            if line.trim().is_empty() {
                continue;
            }
            match Moved::read(&line) {
                Ok(letter) if ledger.admit(&letter).await? => entered += 1,
                Ok(_) => known += 1,
                Err(why) => {
                    bad += 1;
                    eprintln!("{}:{number}: {}", self.file.display(), crate::as_text::line(&why));
                }
            }
        }
        writeln!(out, "{entered} letters entered, {known} were known, {bad} could not be read")
            .or_exit(Exit::Output)?;
        if bad > 0 { Err(CliError::silent(Exit::BadInput)) } else { Ok(()) }
    }
}

fn named(path: &Path, error: &io::Error) -> anyhow::Error {
    anyhow::anyhow!("{}: {error}", path.display())
}
