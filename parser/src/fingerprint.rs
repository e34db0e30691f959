//! Fingerprints of a page's words: an exact hash, and a SimHash (Charikar 2002) in which few bits
//! differ where few words do.
//!
//! Words are runs of letters and digits in lower case; in scripts without spaces each character is
//! one. Of HTML the words are read from the source in one pass without a tree, scripts, styles and
//! titles left out, so that a page has the same fingerprints whatever else was asked of it.

use crate::{
    stream::source::{comment_end, element_end, tag_end, tag_name},
    text,
};
use trawl_shared::model::ParsedPage;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Words that make one feature of a SimHash.
const SHINGLE: usize = 3;

/// The fingerprints of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// Hash of the words in their order.
    pub exact: u128,
    /// SimHash of the runs of three words.
    pub simhash: u64,
    /// Words read.
    pub words: usize,
}

impl Fingerprints {
    /// Writes them into the page, where it has words at all.
    pub fn write_to(&self, page: &mut ParsedPage) {
        if self.words > 0 {
            page.content_hash = Some(format!("{:032x}", self.exact));
            page.simhash = Some(format!("{:016x}", self.simhash));
        }
    }
}

/// The fingerprints of a plain text.
#[must_use]
pub fn of_text(text: &str) -> Fingerprints {
    let mut words = Words::default();
    words.push(text);
    words.finish()
}

/// The fingerprints of the text of an HTML page, from its source.
#[must_use]
pub fn of_html(html: &str) -> Fingerprints {
    let mut words = Words::default();
    let mut rest = html;
    while !rest.is_empty() {
        let at = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        words.push(&text::element_text(&rest[..at]));
        rest = &rest[at..];
        let markup = rest.get(1..).unwrap_or_default();
        let skipped = match markup.as_bytes().first() {
            Some(b'a'..=b'z' | b'A'..=b'Z') => {
                let name = tag_name(markup).to_ascii_lowercase();
                if text::parts_words(&name) || text::is_hidden(&name) {
                    words.end();
                }
                let content = tag_end(rest);
                if text::is_hidden(&name) && !rest[..content].ends_with("/>") {
                    content + element_end(&rest[content..], &name)
                } else {
                    content
                }
            }
            Some(b'/') => {
                if text::parts_words(&tag_name(&markup[1..]).to_ascii_lowercase()) {
                    words.end();
                }
                tag_end(rest)
            }
            Some(b'!') if markup.starts_with("!--") => comment_end(rest),
            Some(b'!' | b'?') => memchr::memchr(b'>', rest.as_bytes()).map_or(rest.len(), |at| at + 1),
            _ => 1,
        };
        rest = rest.get(skipped.max(1)..).unwrap_or_default();
    }
    words.finish()
}

/// Takes in text piece by piece.
struct Words {
    word: String,
    count: usize,
    exact: Xxh3,
    last: [u64; SHINGLE],
    features: i32,
    /// How many features have each bit set.
    set: [i32; 64],
}

impl Default for Words {
    fn default() -> Self {
        Self {
            word: String::new(),
            count: 0,
            exact: Xxh3::new(),
            last: [0; SHINGLE],
            features: 0,
            set: [0; 64],
        }
    }
}

impl Words {
    fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii_alphanumeric() {
                self.word.push(c.to_ascii_lowercase());
            } else if c.is_ascii() || !c.is_alphanumeric() {
                self.end();
            } else if is_unspaced(c) {
                self.end();
                self.word.push(c);
                self.end();
            } else {
                self.word.extend(c.to_lowercase());
            }
        }
    }

    /// Ends the word, where there is one.
    fn end(&mut self) {
        if self.word.is_empty() {
            return;
        }
        self.exact.update(self.word.as_bytes());
        self.exact.update(b" ");
        self.last.rotate_left(1);
        self.last[SHINGLE - 1] = xxh3_64(self.word.as_bytes());
        self.word.clear();
        self.count += 1;
        if self.count >= SHINGLE {
            self.feature();
        }
    }

    fn feature(&mut self) {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed =
            self.last.iter().fold(0_u64, |mixed, word| (mixed.rotate_left(21) ^ word).wrapping_mul(MIX));
        let mixed = mixed ^ mixed >> 32;
        self.features += 1;
        for (bit, set) in self.set.iter_mut().enumerate() {
            *set += i32::from((mixed >> bit) & 1 == 1);
        }
    }

    fn finish(mut self) -> Fingerprints {
        self.end();
        if self.features == 0 {
            self.feature();
        }
        let half = self.features / 2;
        let bits = self.set.iter().enumerate().filter(|(_, set)| **set > half);
        let simhash = bits.fold(0, |hash, (bit, _)| hash | 1 << bit);
        Fingerprints { exact: self.exact.digest128(), simhash, words: self.count }
    }
}

/// Whether a letter belongs to a script that puts no spaces between words.
const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{abff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        && !matches!(c, '\u{ac00}'..='\u{d7af}' | '\u{a640}'..='\u{a69f}' | '\u{a720}'..='\u{a7ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_white_space_do_not_count() {
        let expected = of_text("One two-three. Four é");
        for html in [
            "<title>t</title><h1>One</h1><p>two <b>thr</b>ee\n\nFOUR&nbsp;&eacute;",
            "<!-- x --><script>var a = '<p>';</script>one<br>two<td>three<style>p {}</style> four é<?php ?>",
            "one two three four É",
        ] {
            assert_eq!(of_html(html), expected, "{html}");
        }
        assert_ne!(of_html("one two four three é").exact, expected.exact);
    }

    #[test]
    fn few_bits_differ_where_few_words_do() {
        let words = |n: u32| (0..n).map(|i| format!("word{} ", i * 7919 % 1000)).collect::<String>();
        let (one, other) = (of_text(&words(400)), of_text(&(words(400) + "and a few more words")));
        assert!((one.simhash ^ other.simhash).count_ones() <= 4);
        let stranger = of_text(&words(400).replace("word", "thing"));
        assert!((one.simhash ^ stranger.simhash).count_ones() >= 16);
    }

    #[test]
    fn scripts_without_spaces_have_a_word_a_character() {
        assert_eq!(of_text("日本語").words, 3);
        assert_eq!(of_text("한국어 사전").words, 2);
    }

    #[test]
    fn nothing_has_no_fingerprints() {
        let mut page = ParsedPage::default();
        of_html("<p></p>").write_to(&mut page);
        assert_eq!(page, ParsedPage::default());
    }
}
