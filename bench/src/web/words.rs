//! The words of the synthetic web, and sentences and code lines made of them once per web.
//!
//! Pages pick from these pools instead of spelling out each word, which keeps the server cheap: it shares the machine
//! with the crawler that is being measured.

use super::draw::Draw;

/// Section names, as they stand in paths. Longer than any site has sections.
pub(super) const SECTIONS: [&str; 28] = [
    "guide",
    "reference",
    "library",
    "tutorial",
    "howto",
    "faq",
    "install",
    "api",
    "cookbook",
    "internals",
    "glossary",
    "releases",
    "security",
    "networking",
    "storage",
    "testing",
    "tooling",
    "language",
    "runtime",
    "packages",
    "community",
    "examples",
    "concepts",
    "operations",
    "migration",
    "protocols",
    "formats",
    "appendix",
];

/// Words that make slugs, titles and text.
pub(super) const WORDS: [&str; 72] = [
    "parser", "value", "buffer", "thread", "socket", "stream", "record", "schema", "module", "object",
    "method", "string", "number", "vector", "matrix", "signal", "handle", "driver", "kernel", "packet",
    "header", "footer", "column", "window", "layout", "filter", "lookup", "cursor", "ledger", "broker",
    "worker", "client", "server", "tenant", "policy", "budget", "review", "branch", "commit", "bundle",
    "target", "source", "format", "locale", "encode", "decode", "deploy", "rollup", "sample", "metric",
    "tracer", "logger", "sender", "origin", "anchor", "border", "canvas", "widget", "action", "queue",
    "index", "cache", "lease", "token", "scope", "topic", "batch", "retry", "shard", "graph", "table",
    "field",
];

/// Words that join the others in running text; some are not ASCII, one needs an entity.
const JOINTS: [&str; 28] = [
    "the",
    "a",
    "of",
    "and",
    "is",
    "to",
    "in",
    "that",
    "for",
    "with",
    "when",
    "each",
    "must",
    "returns",
    "between",
    "before",
    "after",
    "without",
    "over",
    "naïve",
    "café",
    "größer",
    "façade",
    "日本語",
    "&amp;",
    "which",
    "by",
    "as",
];

const SENTENCES: u32 = 3000;
const CODE_LINES: u32 = 800;

/// Ready-made pieces of HTML text.
#[derive(Debug)]
pub(super) struct Phrases {
    /// Sentences, with inline markup here and there.
    sentences: Vec<String>,
    /// Lines of highlighted code, as documentation tools write them: a span per token.
    code: Vec<String>,
}

impl Phrases {
    /// The pools of the web of `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            sentences: (0..SENTENCES).map(|n| sentence(&mut Draw::new(seed, "sentence", &[n]))).collect(),
            code: (0..CODE_LINES).map(|n| code_line(&mut Draw::new(seed, "code", &[n]))).collect(),
        }
    }

    /// A sentence.
    pub(super) fn sentence(&self, draw: &mut Draw) -> &str {
        &self.sentences[draw.below(SENTENCES) as usize]
    }

    /// A line of code.
    pub(super) fn code_line(&self, draw: &mut Draw) -> &str {
        &self.code[draw.below(CODE_LINES) as usize]
    }
}

/// Two to four capitalised words, for titles and link texts.
pub(super) fn name(draw: &mut Draw) -> String {
    let mut name = capitalised(draw.pick(&WORDS));
    for _ in 0..draw.between(1, 2) {
        name.push(' ');
        name.push_str(draw.pick(&WORDS));
    }
    name
}

/// `word` with an upper-case first letter.
pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn sentence(draw: &mut Draw) -> String {
    let mut text = capitalised(draw.pick(&WORDS));
    for position in 0..draw.between(7, 18) {
        let word = if position % 2 == 0 { draw.pick(&JOINTS) } else { draw.pick(&WORDS) };
        text.push(' ');
        match draw.below(36) {
            0 => text.push_str(&format!(
                "<code class=\"docutils literal\"><span class=\"pre\">{word}()</span></code>"
            )),
            1 => text.push_str(&format!("<em>{word}</em>")),
            2 => text.push_str(&format!("<code>{word}_t</code>")),
            _ => text.push_str(word),
        }
    }
    text.push_str(". ");
    text
}

fn code_line(draw: &mut Draw) -> String {
    let indent = "    ".repeat(draw.below(3) as usize);
    let [a, b, c] = [0; 3].map(|_| draw.pick(&WORDS));
    let number = draw.below(500);
    match draw.below(5) {
        0 => format!("{indent}<span class=\"c1\"># {a} the {b} &lt;{c}&gt;</span>\n"),
        1 => format!(
            "{indent}<span class=\"k\">def</span> <span class=\"nf\">{a}_{b}</span><span class=\"p\">(</span><span \
             class=\"n\">{c}</span><span class=\"o\">=</span><span class=\"mi\">{number}</span><span \
             class=\"p\">):</span>\n"
        ),
        2 => format!(
            "{indent}<span class=\"n\">{a}</span> <span class=\"o\">=</span> <span class=\"n\">{b}</span><span \
             class=\"o\">.</span><span class=\"n\">{c}</span><span class=\"p\">()</span>\n"
        ),
        3 => format!(
            "{indent}<span class=\"k\">return</span> <span class=\"n\">{a}</span><span class=\"p\">[</span><span \
             class=\"s1\">&#39;{b}&#39;</span><span class=\"p\">]</span>\n"
        ),
        _ => format!(
            "{indent}<span class=\"k\">for</span> <span class=\"n\">{a}</span> <span class=\"ow\">in</span> <span \
             class=\"n\">{b}</span><span class=\"p\">:</span>\n"
        ),
    }
}
