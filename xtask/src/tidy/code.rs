//! Rust source without what is not code: comments and literals become blanks, so that a rule that looks for a word
//! finds only where it is used.

/// Blanks out comments, strings and character literals. Every other byte, and every line break, stays in its place.
pub(super) fn only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut kept = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match rest {
            [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => block_comment(rest),
            [b'"', ..] => quoted(rest, b'"'),
            [b'\'', ..] => character(rest),
            [b'r', ..] if !within_word(bytes, at) => raw_string(rest),
            _ => 0,
        };
        for byte in &mut kept[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length.max(1);
    }
    String::from_utf8(kept).expect("only whole literals and comments are blanked, so no character is cut")
}

/// Where `word` stands as a word of its own in code that [`only`] made.
pub(super) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !within_word(code.as_bytes(), at)
            && !code.as_bytes().get(at + word.len()).is_some_and(|byte| is_word(*byte))
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a word goes on at this place. The `b` and `c` of `br"…"` and `cr"…"` are no words.
fn within_word(bytes: &[u8], at: usize) -> bool {
    match bytes[..at] {
        [.., before, b'b' | b'c'] if bytes[at] == b'r' => is_word(before),
        [.., before] => is_word(before),
        [] => false,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `'x'` and `'\n'` are literals, `'static` is a lifetime.
fn character(rest: &[u8]) -> usize {
    let text = std::str::from_utf8(&rest[1..rest.len().min(6)]);
    let first = match text {
        Ok(text) => text.chars().next(),
        Err(error) => {
            std::str::from_utf8(&rest[1..=error.valid_up_to()]).ok().and_then(|text| text.chars().next())
        }
    };
    match first {
        Some('\\') => quoted(rest, b'\''),
        Some(one) if rest.get(1 + one.len_utf8()) == Some(&b'\'') => 2 + one.len_utf8(),
        _ => 0,
    }
}

/// `r"…"` and `r#"…"#`, but not `r#type`.
fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    let start = 1 + hashes;
    if rest.get(start) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'#'; hashes + 1];
    end[0] = b'"';
    let body = &rest[start + 1..];
    let length =
        body.windows(end.len()).position(|window| window == end).map_or(body.len(), |at| at + end.len());
    start + 1 + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(only(text), expected, "{text}");
    }

    #[test]
    fn comments_and_literals_become_blanks() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d\n */ e", "a               \n    e");
        check(r#"f("a \" b", c)"#, "f(        , c)");
        check(r###"f(r#"a " b"#, br"c", x)"###, "f(          , b    , x)");
        check("let r#type = 'x';", "let r#type =    ;");
        check("fn f<'a>(x: &'a str) { '\\'' }", "fn f<'a>(x: &'a str) {      }");
        check("x = '\"'; y = \"z\"", "x =    ; y =    ");
        check("for \"ü\"; 'ü'; bar\"s\"", "for     ;     ; bar   ");
    }

    #[test]
    fn a_word_is_not_part_of_another() {
        let code = "sqlx::query(); my_sqlx; sqlx2; use sqlx;";
        assert_eq!(words(code, "sqlx").collect::<Vec<_>>(), [0, 35]);
    }
}
