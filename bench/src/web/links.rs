//! Where a page links to, before any HTML is written.
//!
//! About ninety links a page, as documentation sites have: navigation that every page repeats, the neighbours, and
//! references in the text. Of these about one leads to a page not linked before and two or three lead off the web; the
//! rest a crawler has seen already.

use super::{Place, Web};

/// Pages that the side bar of a page lists.
const SIDE_BAR: u32 = 16;
/// Links in the footer, to the first pages of the first section.
const FOOTER: u32 = 6;

/// A link in running text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inline {
    /// To a page of this web, perhaps on another host, perhaps to a part of it.
    Page {
        /// The host it leads to.
        host: u32,
        /// The page it leads to.
        page: u32,
        /// The part of the page it names.
        part: Option<u32>,
    },
    /// To a file of the same host.
    File(u32),
    /// To a site outside this web, which must not be fetched.
    Away(u32),
}

/// All links of one page, by where on the page they stand. Pages are of the same host unless said otherwise.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PageLinks {
    /// The root and every section: the same on each page of the host.
    pub(super) nav: Vec<u32>,
    /// The way from the root.
    pub(super) trail: Vec<u32>,
    /// Neighbours in the section.
    pub(super) side: Vec<u32>,
    /// Previous and next page.
    pub(super) pager: Vec<u32>,
    /// Pages one step further down.
    pub(super) children: Vec<u32>,
    /// Links in the text.
    pub(super) inline: Vec<Inline>,
    /// The same few pages at the bottom of each page.
    pub(super) footer: Vec<u32>,
}

impl Web {
    /// The links of a page that is well.
    pub(super) fn links(&self, host: u32, page: u32) -> PageLinks {
        let layout = self.layout(host);
        let landings = || layout.sections().filter_map(|section| layout.page(section, 0));
        let mut trail = vec![0];
        let mut pager = Vec::new();
        if let Some((section, rank)) = layout.place(page) {
            trail.extend(layout.page(section, 0).filter(|_| rank > 0));
            trail.extend(layout.parent(page).filter(|parent| !trail.contains(parent)));
            pager.extend(rank.checked_sub(1).and_then(|rank| layout.page(section, rank)));
            pager.extend(layout.page(section, rank + 1));
        }
        PageLinks {
            nav: std::iter::once(0).chain(landings()).collect(),
            trail,
            side: layout.around(page, SIDE_BAR),
            pager,
            children: layout.children(page),
            inline: self.inline_links(host, page),
            footer: (0..FOOTER).map_while(|rank| layout.page(0, rank)).collect(),
        }
    }

    fn inline_links(&self, host: u32, page: u32) -> Vec<Inline> {
        let mut draw = self.draw("inline links", &[host, page]);
        let mut links: Vec<Inline> = (0..draw.between(10, 52))
            .map(|_| {
                let host = if draw.happens(500) { draw.below(self.hosts()) } else { host };
                let part = draw.happens(2500).then(|| draw.between(1, 6));
                Inline::Page { host, page: draw.below(self.pages_of(host)), part }
            })
            .collect();
        links.extend((0..draw.between(1, 4)).map(|_| Inline::Away(draw.bits() as u32)));
        if draw.happens(self.settings.profile.files) {
            links.push(Inline::File(self.file_of(page)));
        }
        links
    }
}

impl PageLinks {
    /// Everything of this web that the page of `host` links to, with repeats, in no particular order.
    pub(super) fn targets(&self, host: u32) -> impl Iterator<Item = (u32, Place)> + '_ {
        let near = [&self.nav, &self.trail, &self.side, &self.pager, &self.children, &self.footer];
        let near = near.into_iter().flatten().map(move |page| (host, Place::Page(*page)));
        let inline = self.inline.iter().filter_map(move |link| match *link {
            Inline::Page { host, page, .. } => Some((host, Place::Page(page))),
            Inline::File(number) => Some((host, Place::File(number))),
            Inline::Away(_) => None,
        });
        near.chain(inline)
    }
}
