//! Runs of text: a paragraph, a heading, an item of a list, a row of a table, code.

use super::{Sizes, characters};
use crate::{dom::Entry, text};

/// A run of text that stands on lines of its own.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The block element whose text it is.
    pub(super) owner: usize,
    /// Its nodes, up to but without `end`.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Characters, and how many of them are in links.
    pub(super) len: usize,
    pub(super) linked: usize,
    pub(super) form: Form,
    pub(super) place: Place,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `<p>`
    Paragraph,
    /// `<h1>` to `<h6>`
    Heading(u8),
    /// `<pre>`
    Code,
    /// A row of a table of data: where its cells begin and end, and whether they are headers.
    Row { table: usize, cells: Vec<(usize, usize)>, is_head: bool },
    /// Text of any other element.
    Text,
}

/// Where a block stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Lists around it.
    pub(super) lists: u16,
    /// The nearest list, and whether it counts.
    pub(super) list: usize,
    pub(super) is_ordered: bool,
    /// The nearest item of a list.
    pub(super) item: Option<usize>,
    /// Quotes around it.
    pub(super) quotes: u16,
    /// Whether a paragraph, item, quote or code is around it.
    pub(super) is_prose: bool,
    /// Whether a table of data is around it, and which.
    table: Option<usize>,
}

/// A cell with more characters is a part of the layout, and so is its table.
const MAX_CELL: usize = 400;

/// Shorter text has little weight: buttons, dates, names.
const SHORT: usize = 25;

/// The blocks of the body, without what is cut.
pub(super) fn all(nodes: &[Entry<'_>], body: usize, cut: &[bool], sizes: &Sizes) -> Vec<Block> {
    let mut walk =
        Walk { nodes, body, cut, blocks: Vec::new(), open: Vec::new(), is_fresh: true, link_end: 0 };
    let mut at = body + 1;
    while at < nodes[body].end {
        walk.close(at);
        let node = &nodes[at];
        if cut[at] {
            walk.is_fresh |= !is_inline(node.name);
            at = node.end;
            continue;
        }
        at = match node.name {
            "" => walk.text(at),
            "br" | "hr" => walk.part(at),
            "pre" => walk.code(at),
            "tr" if walk.place().table.is_some() => walk.row(at),
            name if !is_inline(name) => walk.open(at, sizes),
            _ => at + 1,
        };
        if node.name == "a" {
            walk.link_end = walk.link_end.max(node.end);
        }
    }
    walk.blocks
}

struct Walk<'w, 'd> {
    nodes: &'w [Entry<'d>],
    body: usize,
    cut: &'w [bool],
    blocks: Vec<Block>,
    /// Block elements around the walk: which, and the place of what is in them.
    open: Vec<(usize, Place)>,
    /// The next text begins a block.
    is_fresh: bool,
    /// Text before this node is in a link.
    link_end: usize,
}

impl Walk<'_, '_> {
    fn place(&self) -> Place {
        self.open.last().map(|(_, place)| *place).unwrap_or_default()
    }

    /// Leaves the elements that end before `at`.
    fn close(&mut self, at: usize) {
        while self.open.last().is_some_and(|(element, _)| self.nodes[*element].end <= at) {
            self.open.pop();
            self.is_fresh = true;
        }
    }

    const fn part(&mut self, at: usize) -> usize {
        self.is_fresh = true;
        at + 1
    }

    fn text(&mut self, at: usize) -> usize {
        let len = characters(self.nodes[at].text);
        if len == 0 {
            return at + 1;
        }
        let linked = if at < self.link_end { len } else { 0 };
        if !self.is_fresh
            && let Some(block) = self.blocks.last_mut()
        {
            block.len += len;
            block.linked += linked;
            block.end = at + 1;
            return at + 1;
        }
        let (owner, place) = self.open.last().copied().unwrap_or((self.body, Place::default()));
        let form = match self.nodes[owner].name.as_bytes() {
            b"p" => Form::Paragraph,
            [b'h', level @ b'1'..=b'6'] => Form::Heading(level - b'0'),
            _ => Form::Text,
        };
        let start = self.start(at, owner);
        self.blocks.push(Block { owner, start, end: at + 1, len, linked, form, place });
        self.is_fresh = false;
        at + 1
    }

    /// Where the block of this first text begins: with the inline elements that are around it, unless they have held
    /// text of another block.
    fn start(&self, at: usize, owner: usize) -> usize {
        let before = self.blocks.last().map_or(0, |block| block.end);
        let mut start = at;
        while self.nodes[start].parent != owner && self.nodes[start].parent >= before.max(1) {
            start = self.nodes[start].parent;
        }
        start
    }

    fn open(&mut self, at: usize, sizes: &Sizes) -> usize {
        let mut place = self.place();
        match self.nodes[at].name {
            "ul" | "ol" => {
                place.lists = place.lists.saturating_add(1);
                place.list = at;
                place.is_ordered = self.nodes[at].name == "ol";
            }
            "li" => {
                place.item = Some(at);
                place.is_prose = true;
            }
            "blockquote" => {
                place.quotes = place.quotes.saturating_add(1);
                place.is_prose = true;
            }
            "p" => place.is_prose = true,
            "table" => place.table = self.is_data(at, sizes).then_some(at),
            _ => {}
        }
        self.open.push((at, place));
        self.is_fresh = true;
        at + 1
    }

    /// Whether a table holds data: no table in it, and no long cells.
    fn is_data(&self, table: usize, sizes: &Sizes) -> bool {
        let end = self.nodes[table].end;
        let mut rows = 0;
        for at in table + 1..end {
            match self.nodes[at].name {
                "table" => return false,
                "td" | "th" if sizes.between(at, self.nodes[at].end) > MAX_CELL => return false,
                "tr" => rows += 1,
                _ => {}
            }
        }
        rows > 0
    }

    /// Measures a subtree as one block.
    fn whole(&mut self, at: usize, form: Form) -> usize {
        let end = self.nodes[at].end;
        let (mut len, mut linked, mut link_end) = (0, 0, self.link_end);
        let mut inner = at + 1;
        while inner < end {
            let node = &self.nodes[inner];
            if self.cut[inner] {
                inner = node.end;
                continue;
            }
            if node.is_text() {
                let characters = characters(node.text);
                len += characters;
                linked += if inner < link_end { characters } else { 0 };
            } else if node.name == "a" {
                link_end = link_end.max(node.end);
            }
            inner += 1;
        }
        if len > 0 {
            let place = self.place();
            self.blocks.push(Block { owner: at, start: at + 1, end, len, linked, form, place });
        }
        self.is_fresh = true;
        end
    }

    fn code(&mut self, at: usize) -> usize {
        self.whole(at, Form::Code)
    }

    fn row(&mut self, at: usize) -> usize {
        let end = self.nodes[at].end;
        let mut cells = Vec::new();
        let mut is_head = true;
        let mut inner = at + 1;
        while inner < end {
            let node = &self.nodes[inner];
            if matches!(node.name, "td" | "th") && !self.cut[inner] {
                is_head &= node.name == "th";
                cells.push((inner + 1, node.end));
                inner = node.end;
            } else if self.cut[inner] {
                inner = node.end;
            } else {
                inner += 1;
            }
        }
        let table = self.place().table.unwrap_or(at);
        self.whole(at, Form::Row { table, cells, is_head })
    }
}

/// Elements that flow in a line: those of text, and pictures. What stands in `<noscript>` is mostly a
/// picture for a script that loads it: a block of its own.
pub(super) fn is_inline(name: &str) -> bool {
    matches!(name, "" | "img" | "picture" | "source") || (text::is_inline(name) && name != "noscript")
}

impl Block {
    pub(super) const fn is_heading(&self) -> bool {
        matches!(self.form, Form::Heading(_))
    }

    /// How much it speaks for the part that it stands in: its text outside of links, more so in paragraphs.
    fn weight(&self, nodes: &[Entry<'_>]) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a page has less than 2^52 characters")]
        let plain = self.len.saturating_sub(self.linked) as f64;
        let of_form = match self.form {
            Form::Heading(_) => return 0.0,
            _ if self.len < SHORT => 0.2,
            Form::Paragraph | Form::Code => 1.0,
            Form::Row { .. } => 0.5,
            Form::Text => match nodes[self.owner].name {
                "blockquote" => 1.0,
                "li" | "dd" => 0.6,
                "td" | "th" => 0.5,
                _ => 0.7,
            },
        };
        plain * of_form
    }
}

/// The weight of each node's subtree.
pub(super) fn weights(nodes: &[Entry<'_>], blocks: &[Block]) -> Vec<f64> {
    let mut weights = vec![0.0; nodes.len()];
    for block in blocks {
        weights[block.owner] += block.weight(nodes);
    }
    for at in (1..nodes.len()).rev() {
        let weight = weights[at];
        weights[nodes[at].parent] += weight;
    }
    weights
}

/// Characters of the blocks, and how many of them are in links.
pub(super) fn lengths(blocks: &[Block]) -> (usize, usize) {
    blocks.iter().fold((0, 0), |(len, linked), block| (len + block.len, linked + block.linked))
}
