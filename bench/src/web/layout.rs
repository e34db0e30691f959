//! The shape of one host's pages: a root, sections under it, and a tree of pages inside each section.
//!
//! Pages are numbers `0..pages`, and every relation is arithmetic, so that a page's neighbours are known without any
//! other page. Page 0 is the root; the others are dealt out to the sections in turn, and a page's place among its
//! section's is its rank. Rank 0 is the section's landing page; ranks form a tree with [`BRANCHES`] children each.

/// Children of a page inside its section's tree.
pub(super) const BRANCHES: u32 = 12;

/// Most sections that a host has.
pub(super) const MOST_SECTIONS: u32 = 24;

/// One host's page tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pages: u32,
    sections: u32,
}

impl Layout {
    /// The layout of a host with `pages` pages, at least the root.
    pub(super) fn new(pages: u32) -> Self {
        let pages = pages.max(1);
        Self { pages, sections: (pages / 8).clamp(1, MOST_SECTIONS) }
    }

    /// How many pages the host has.
    pub(super) fn pages(&self) -> u32 {
        self.pages
    }

    /// The sections that have a landing page.
    pub(super) fn sections(&self) -> impl Iterator<Item = u32> + use<> {
        let layout = *self;
        (0..layout.sections).filter(move |section| layout.page(*section, 0).is_some())
    }

    /// The section and rank of a page; the root has none.
    pub(super) fn place(&self, page: u32) -> Option<(u32, u32)> {
        let below_root = page.checked_sub(1)?;
        Some((below_root % self.sections, below_root / self.sections))
    }

    /// The page at a section's rank, if the host has that many.
    pub(super) fn page(&self, section: u32, rank: u32) -> Option<u32> {
        let page = rank.checked_mul(self.sections)?.checked_add(section)?.checked_add(1)?;
        (page < self.pages).then_some(page)
    }

    /// The page one step nearer to the root.
    pub(super) fn parent(&self, page: u32) -> Option<u32> {
        match self.place(page)? {
            (_, 0) => Some(0),
            (section, rank) => self.page(section, (rank - 1) / BRANCHES),
        }
    }

    /// The pages one step further from the root.
    pub(super) fn children(&self, page: u32) -> Vec<u32> {
        match self.place(page) {
            None => self.sections().filter_map(|section| self.page(section, 0)).collect(),
            Some((section, rank)) => {
                let first = rank * BRANCHES + 1;
                (first..first + BRANCHES).map_while(|rank| self.page(section, rank)).collect()
            }
        }
    }

    /// Up to `count` pages of the same section around a page, itself among them.
    pub(super) fn around(&self, page: u32, count: u32) -> Vec<u32> {
        let Some((section, rank)) = self.place(page) else { return Vec::new() };
        let first = rank.saturating_sub(count / 2);
        (first..first + count).map_while(|rank| self.page(section, rank)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn the_tree_reaches_each_page_once() {
        for pages in [1, 2, 7, 30, 500, 5000] {
            let layout = Layout::new(pages);
            let mut reached = vec![0];
            let mut next = 0;
            while next < reached.len() {
                let page = reached[next];
                for child in layout.children(page) {
                    assert_eq!(layout.parent(child), Some(page), "parent of {child} of {pages}");
                    reached.push(child);
                }
                next += 1;
            }
            reached.sort_unstable();
            assert_eq!(reached, (0..pages).collect::<Vec<_>>());
        }
    }

    #[test]
    fn place_and_page_are_inverse() {
        let layout = Layout::new(777);
        for page in 1..777 {
            let (section, rank) = layout.place(page).expect("not the root");
            assert_eq!(layout.page(section, rank), Some(page));
            assert!(layout.around(page, 16).contains(&page));
        }
        assert_eq!(layout.place(0), None);
    }
}
