//! Named fields, as WARC and HTTP have them: `Name: value` lines up to an empty one.

/// Fields in the order they stand in; names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Adds a field.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds what a line says: a field, or more of the field before it. Lines without a colon say nothing.
    pub(super) fn read_line(&mut self, line: &str) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = self.0.last_mut() {
                value.push_str(line.trim_end());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            self.0.push((name.trim_end().to_owned(), value.trim().to_owned()));
        }
    }

    /// Appends the fields as lines. What would break a line apart becomes a space.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            out.extend(name.as_bytes());
            out.extend(b": ");
            out.extend(value.bytes().map(|byte| if matches!(byte, b'\r' | b'\n' | 0) { b' ' } else { byte }));
            out.extend(b"\r\n");
        }
    }
}

/// Bytes as text: UTF-8, else Latin-1, so that every byte has a character.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_fields_and_fields_lines() {
        let mut fields = Fields::default();
        for line in [" lost", "A: 1", "\t more", "no colon", "b :  x:y  ", "Empty:"] {
            fields.read_line(line);
        }
        let expected = [("A", "1\t more"), ("b", "x:y"), ("Empty", "")];
        assert_eq!(fields.0, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(fields.get("EMPTY"), Some(""));
        let mut out = Vec::new();
        Fields(vec![("x".into(), "a\r\nb: c".into())]).write(&mut out);
        assert_eq!(out, b"x: a  b: c\r\n");
        assert_eq!(text(b"\xe9\xff"), "éÿ");
    }
}
