//! One line in, one line out: the loop under every verb that answers a stream of questions. All
//! cores work, answers keep the order of the questions, memory is bounded, and no line stops it.

use super::{CliError, Exit};
use anyhow::anyhow;
use serde::Serialize;
use std::{
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel},
    },
    thread,
};

/// Longest line that is read, in bytes; a longer one is a bad line, and the next is read on.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes that are asked of the input at once.
const READ_BYTES: usize = 256 * 1024;

/// Bytes of lines after which a batch is handed out.
const BATCH_BYTES: usize = 64 * 1024;

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crew {
    threads: usize,
    /// Most lines that one thread takes at once.
    batch: usize,
}

impl Crew {
    /// A thread for each core: for work that computes.
    #[must_use]
    pub fn computing() -> Self {
        Self { threads: thread::available_parallelism().map_or(1, NonZero::get), batch: 128 }
    }

    /// So many lines at once, each on a thread of its own: for work that waits.
    #[must_use]
    pub fn waiting(at_once: NonZero<usize>) -> Self {
        Self { threads: at_once.get(), batch: 1 }
    }
}

/// What became of a stream of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines read.
    pub lines: u64,
    /// Lines that were answered with an error.
    pub bad: u64,
}

impl Tally {
    /// The end of a verb: exit code 4 where there were bad lines.
    ///
    /// # Errors
    /// When there were.
    pub fn finish(self) -> Result<(), CliError> {
        match self {
            Self { bad: 0, .. } => Ok(()),
            Self { lines, bad } => Err(CliError::new(
                Exit::BadInput,
                anyhow!("{bad} of {lines} lines could not be answered; each has its `error` in its place"),
            )),
        }
    }
}

/// Why a stream of lines ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The input broke.
    #[error("the input can't be read")]
    Read(#[source] io::Error),
    /// The output broke.
    #[error("the output can't be written")]
    Write(#[source] io::Error),
}

impl From<LinesError> for CliError {
    fn from(error: LinesError) -> Self {
        let exit = if matches!(error, LinesError::Read(_)) { Exit::Failed } else { Exit::Output };
        Self::new(exit, error)
    }
}

/// A line of input without its end, or why it can't be one.
type Question = Result<String, String>;

/// Some lines in a row, and where their answers go.
struct Batch {
    questions: Vec<Question>,
    answers: Sender<Answers>,
}

#[derive(Default)]
struct Answers {
    text: Vec<u8>,
    tally: Tally,
}

/// Answers every line of `input` with one line of `output`, in order. `work` gives the answer (one
/// line of JSON) or says what is wrong with the question, which is answered with
/// `{"error": "..."}`; so is a line that is not UTF-8, is longer than [`MAX_LINE_BYTES`], or makes
/// `work` panic. What was answered is flushed before the input is waited for, so that a person or
/// program can ask one line at a time.
///
/// # Errors
/// When input or output break.
pub fn answer_lines(
    input: impl Read + Send,
    output: impl Write,
    crew: Crew,
    work: impl Fn(&str) -> Result<String, String> + Sync,
) -> Result<Tally, LinesError> {
    let (to_crew, batches) = sync_channel::<Batch>(crew.threads);
    let batches = Mutex::new(batches);
    // The order of the answers. What is on its way is bounded by its length.
    let (to_writer, in_order) = sync_channel::<Receiver<Answers>>(crew.threads * 2);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(input, crew.batch, &to_crew, &to_writer));
        for _ in 0..crew.threads {
            scope.spawn(|| {
                loop {
                    let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(batch) = next else { break };
                    // Nobody may be waiting any more, where the output broke.
                    drop(batch.answers.send(answer(&batch.questions, &work)));
                }
            });
        }
        let written = write(output, in_order).map_err(LinesError::Write);
        let read = reader.join().expect("the reader calls nothing that panics").map_err(LinesError::Read);
        let tally = written?;
        read.map(|()| tally)
    })
}

/// Cuts the input into batches until it ends or nobody wants them.
fn read(
    input: impl Read,
    batch_lines: usize,
    to_crew: &SyncSender<Batch>,
    to_writer: &SyncSender<Receiver<Answers>>,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(READ_BYTES, input);
    let mut questions = Vec::new();
    let mut bytes = 0;
    loop {
        let question = next_line(&mut input)?;
        let ended = question.is_none();
        bytes += question.as_ref().map_or(0, |q| q.as_ref().map_or(0, String::len));
        questions.extend(question);
        // A line that is not there in full yet may be long in coming.
        let would_wait = memchr::memchr(b'\n', input.buffer()).is_none();
        let full = questions.len() >= batch_lines || bytes >= BATCH_BYTES;
        if (ended || full || would_wait) && !questions.is_empty() {
            let (answers, to_come) = channel();
            let batch = Batch { questions: std::mem::take(&mut questions), answers };
            bytes = 0;
            if to_writer.send(to_come).is_err() || to_crew.send(batch).is_err() {
                return Ok(());
            }
        }
        if ended {
            return Ok(());
        }
    }
}

/// The next line without its end; `None` where there is none.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Question>> {
    let mut line = Vec::new();
    let taken = input.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
    if taken == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if taken > MAX_LINE_BYTES {
        input.skip_until(b'\n')?;
        return Ok(Some(Err(format!("the line is longer than {MAX_LINE_BYTES} bytes"))));
    }
    Ok(Some(
        String::from_utf8(line).map_err(|error| format!("the line is not UTF-8: {}", error.utf8_error())),
    ))
}

fn answer(questions: &[Question], work: &impl Fn(&str) -> Result<String, String>) -> Answers {
    let mut answers = Answers::default();
    for question in questions {
        let answer = question.as_deref().map_err(Clone::clone).and_then(|line| {
            catch_unwind(AssertUnwindSafe(|| work(line)))
                .unwrap_or_else(|_| Err("the line made the program panic, please report it".to_owned()))
        });
        answers.tally.lines += 1;
        match answer {
            Ok(line) => answers.text.extend_from_slice(line.as_bytes()),
            Err(why) => {
                answers.tally.bad += 1;
                answers.text.extend_from_slice(error_line(&why).as_bytes());
            }
        }
        answers.text.push(b'\n');
    }
    answers
}

/// What a bad line is answered with.
#[must_use]
pub fn error_line(why: &str) -> String {
    #[derive(Serialize)]
    struct Error<'a> {
        error: &'a str,
    }
    serde_json::to_string(&Error { error: why }).expect("a string has a JSON form")
}

/// Writes the answers in order.
fn write(output: impl Write, in_order: Receiver<Receiver<Answers>>) -> io::Result<Tally> {
    let mut output = BufWriter::with_capacity(READ_BYTES, output);
    let mut tally = Tally::default();
    while let Some(next) = receive(&in_order, &mut output)? {
        let Some(answers) = receive(&next, &mut output)? else { continue };
        output.write_all(&answers.text)?;
        tally.lines += answers.tally.lines;
        tally.bad += answers.tally.bad;
    }
    output.flush()?;
    Ok(tally)
}

/// What comes next, `None` where nothing will. Before it waits it shows what is written.
fn receive<T>(from: &Receiver<T>, output: &mut impl Write) -> io::Result<Option<T>> {
    match from.try_recv() {
        Ok(next) => Ok(Some(next)),
        Err(TryRecvError::Disconnected) => Ok(None),
        Err(TryRecvError::Empty) => {
            output.flush()?;
            Ok(from.recv().ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    /// Doubles numbers.
    fn double(line: &str) -> Result<String, String> {
        assert_ne!(line, "panic");
        line.parse::<u64>().map(|n| (n * 2).to_string()).map_err(|error| error.to_string())
    }

    fn check(input: &[u8], expected: &str, bad: u64) {
        for crew in [Crew::computing(), Crew::waiting(NonZero::new(5).unwrap())] {
            let mut out = Vec::new();
            let tally = answer_lines(input, &mut out, crew, double).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert_eq!(tally, Tally { lines: expected.lines().count() as u64, bad });
            assert_eq!(tally.finish().is_err(), bad > 0);
        }
    }

    #[test]
    fn answers_keep_the_order_of_the_questions() {
        let input: String = (0..10_000).map(|n| format!("{n}\n")).collect();
        let expected: String = (0..10_000).map(|n| format!("{}\n", n * 2)).collect();
        check(input.as_bytes(), &expected, 0);
    }

    #[test]
    fn no_line_stops_it() {
        check(
            b"1\r\nx\n\n\xff\npanic\n2",
            "2\n{\"error\":\"invalid digit found in string\"}\n\
             {\"error\":\"cannot parse integer from empty string\"}\n\
             {\"error\":\"the line is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0\"}\n\
             {\"error\":\"the line made the program panic, please report it\"}\n4\n",
            4,
        );
        check(b"", "", 0);
    }

    #[test]
    fn a_line_too_long_is_left_out() {
        let mut input = vec![b'1'; MAX_LINE_BYTES + 10];
        input.extend_from_slice(b"\n3\n");
        check(&input, "{\"error\":\"the line is longer than 67108864 bytes\"}\n6\n", 1);
    }

    /// Gives one line, and the next only when the first is answered.
    struct Asker {
        answered: Receiver<()>,
        left: u8,
    }

    impl Read for Asker {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.left < 2 {
                self.answered.recv().unwrap();
            }
            let Some(left) = self.left.checked_sub(1) else { return Ok(0) };
            self.left = left;
            into[..2].copy_from_slice(b"7\n");
            Ok(2)
        }
    }

    struct Hearer(Sender<()>);

    impl Write for Hearer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert_eq!(bytes, b"14\n");
            self.0.send(()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_dialogue_does_not_wait_for_more_lines() {
        let (heard, answered) = channel();
        let asker = Asker { answered, left: 2 };
        let tally = answer_lines(asker, Hearer(heard), Crew::computing(), double).unwrap();
        assert_eq!(tally.lines, 2);
    }

    /// Endless input that counts what was taken of it.
    struct Endless(Arc<AtomicUsize>);

    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            into.fill(b'\n');
            self.0.fetch_add(into.len(), Ordering::Relaxed);
            Ok(into.len())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_that_breaks_ends_it_with_little_read() {
        let taken = Arc::new(AtomicUsize::new(0));
        let crew = Crew { threads: 2, batch: 128 };
        let ended = answer_lines(Endless(Arc::clone(&taken)), Full, crew, double);
        assert!(matches!(ended, Err(LinesError::Write(_))));
        assert!(taken.load(Ordering::Relaxed) <= 4 * READ_BYTES);
    }
}
