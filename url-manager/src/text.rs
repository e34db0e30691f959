//! Text from outside on its way into a row.

/// Longest text kept of an error or a redirect's target, in bytes.
const MAX_BYTES: usize = 4096;

/// One bounded line, without the character that PostgreSQL can't hold.
pub(crate) fn line(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(MAX_BYTES)];
    cut.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
