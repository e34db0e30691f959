//! The HTTP message in a record's block.

use super::{Fields, coding, fields::text};
use std::borrow::Cow;

/// A request or response, headers and body apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpMessage<'a> {
    /// `HTTP/1.1 200 OK`, or `GET / HTTP/1.1`.
    pub start_line: String,
    /// The headers.
    pub headers: Fields,
    /// All behind the headers, as it was archived.
    pub body: &'a [u8],
}

impl<'a> HttpMessage<'a> {
    /// Reads a block. Anything is a message: archives hold what servers sent.
    #[must_use]
    pub fn read(block: &'a [u8]) -> Self {
        let mut rest = block;
        let mut line = || {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            text(line).trim_end().to_owned()
        };
        let start_line = line();
        let mut headers = Fields::default();
        if !start_line.is_empty() {
            loop {
                let line = line();
                if line.is_empty() {
                    break;
                }
                headers.read_line(&line);
            }
        }
        Self { start_line, headers, body: rest }
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.second_word().parse().ok()
    }

    /// What stands behind the first word: the status of a response, the target of a request.
    #[must_use]
    pub fn second_word(&self) -> &str {
        let rest = self.start_line.split_once(' ').map_or("", |(_, rest)| rest.trim());
        rest.split(' ').next().unwrap_or_default()
    }

    /// The body with its codings undone.
    #[must_use]
    pub fn payload(&self) -> Cow<'a, [u8]> {
        let mut payload = Cow::Borrowed(self.body);
        if self.headers.get("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
            && let Some(joined) = coding::dechunk(self.body)
        {
            payload = Cow::Owned(joined);
        }
        match self.headers.get("content-encoding") {
            Some(codings) => coding::decode(payload, codings),
            None => payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_body_are_told_apart() {
        let message = HttpMessage::read(b"HTTP/1.1 200\r\nA: b\n c\r\n\r\nbody\r\n\r\n");
        assert_eq!(
            (message.status(), message.headers.get("a"), message.body),
            (Some(200), Some("b c"), &b"body\r\n\r\n"[..])
        );
        let request = HttpMessage::read(b"GET /x HTTP/1.1\r\n\r\n");
        assert_eq!((request.second_word(), request.status(), request.body), ("/x", None, &b""[..]));
        let odd = HttpMessage::read(b"");
        assert_eq!((odd.start_line.as_str(), odd.body), ("", &b""[..]));
    }
}
