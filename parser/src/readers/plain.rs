//! Plain text: it is its own text.

use super::Task;
use crate::parse::Parsed;

/// Reads a text.
#[must_use]
pub fn read(task: &Task<'_>, text: &str) -> Parsed {
    let mut parsed = task.page();
    let text = text.trim();
    if task.wants_text() && !text.is_empty() {
        parsed.page.text = Some(text.replace("\r\n", "\n").replace('\0', "\u{fffd}"));
    }
    parsed
}
