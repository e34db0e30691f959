//! What the pass does at each element it listens to.

use super::{
    anchor::AnchorReader,
    source::{Tag, behind, element_end, script_end, tag_name},
};
use crate::{
    elements::{Speaking, Wanted},
    facts::{Attributes, Facts, is_json_ld},
    links::MAX_ANCHOR_TEXT,
    settings::Settings,
    text,
};
use lol_html::{HandlerResult, html_content::Element};
use memchr::memchr_iter;
use std::{cell::Cell, rc::Rc};
use trawl_shared::model::LinkKind;

/// How deep `<noscript>` in `<noscript>` is followed. Real pages have none in another.
const MAX_NOSCRIPT_DEPTH: usize = 3;

/// The facts so far, and where in the page the pass is.
pub(super) struct Collector<'d> {
    pub(super) facts: Facts<'d>,
    /// Open `<template>`s; what stands in them is no part of the page.
    templates: Rc<Cell<usize>>,
    noscripts: usize,
    anchors: AnchorReader<'d>,
}

impl<'d> Collector<'d> {
    pub(super) fn new(length: usize, wanted: Wanted, settings: &'d Settings) -> Self {
        Self {
            facts: Facts::new(wanted, settings),
            templates: Rc::default(),
            noscripts: 0,
            anchors: AnchorReader::new(MAX_ANCHOR_TEXT, length.saturating_mul(4)),
        }
    }

    fn in_template(&self) -> bool {
        self.templates.get() > 0
    }

    /// Takes in an element; `html` is what its offsets count from.
    pub(super) fn take(
        &mut self,
        speaking: Speaking,
        element: &Element<'_, '_>,
        html: &'d str,
    ) -> HandlerResult {
        if self.in_template() {
            return Ok(());
        }
        let tag = Tag::new(element, html);
        match speaking {
            Speaking::A => {
                if let Some(href) = tag.get("href") {
                    let text = self.anchors.text(behind(element, html));
                    self.facts.anchor(LinkKind::A, href, tag.get("rel"), text);
                }
            }
            Speaking::Frame => return Err("whether a frame counts depends on the tree".into()),
            Speaking::Script => {
                self.facts.element(speaking, &tag);
                if self.facts.wanted.metadata
                    && tag.get("type").is_some_and(|kind| is_json_ld(&kind))
                    && is_html(element)
                {
                    let rest = behind(element, html);
                    self.facts.json_ld(text::script_text(&rest[..script_end(rest)]));
                }
            }
            Speaking::Title if self.facts.title.is_none() && is_html(element) => {
                let rest = behind(element, html);
                // <title> in SVG names a shape.
                if !in_svg(&html[..html.len() - rest.len()]) {
                    let source = &rest[..element_end(rest, "title")];
                    self.facts.title(&text::element_text(source));
                }
            }
            // <title> is read once; <image> in SVG is a shape.
            Speaking::Title => {}
            Speaking::Image if !is_html(element) => {}
            _ => self.facts.element(speaking, &tag),
        }
        Ok(())
    }

    /// Takes in what any element keeps for scripts.
    pub(super) fn take_data(&mut self, element: &Element<'_, '_>, html: &'d str) {
        if !self.in_template() {
            self.facts.data(&Tag::new(element, html));
        }
    }

    /// Counts a `<template>` until its end tag.
    pub(super) fn enter_template(&mut self, element: &mut Element<'_, '_>) -> HandlerResult {
        if !is_html(element) {
            return Ok(());
        }
        let open = Rc::clone(&self.templates);
        open.set(open.get() + 1);
        element.on_end_tag(Box::new(move |_| {
            // The pass may have left the <noscript> that the template stands in.
            open.set(open.get().saturating_sub(1));
            Ok(())
        }))
    }

    /// The markup in a `<noscript>` that is worth a pass.
    pub(super) fn enter_noscript(&mut self, element: &Element<'_, '_>, html: &'d str) -> Option<&'d str> {
        if self.noscripts == MAX_NOSCRIPT_DEPTH || self.in_template() || !is_html(element) {
            return None;
        }
        let rest = behind(element, html);
        let inner = &rest[..element_end(rest, "noscript")];
        if !may_speak(inner, self.facts.wanted) {
            return None;
        }
        self.noscripts += 1;
        Some(inner)
    }

    pub(super) fn leave_noscript(&mut self) {
        self.noscripts -= 1;
        // No template reaches beyond the element it stands in.
        self.templates.set(0);
    }
}

fn is_html(element: &Element<'_, '_>) -> bool {
    element.namespace_uri() == "http://www.w3.org/1999/xhtml"
}

/// Whether what stands behind `before` is in an `<svg>` that began shortly before. (The tokeniser says
/// that `<title>` is HTML there too, because its content is.)
fn in_svg(before: &str) -> bool {
    const NEAR: usize = 2048;
    let near = &before[before.floor_char_boundary(before.len().saturating_sub(NEAR))..];
    near.rfind("<svg") > near.rfind("</svg")
}

/// Whether markup may hold an element that says something: most `<noscript>`s hold an image only.
fn may_speak(html: &str, wanted: Wanted) -> bool {
    wanted.kinds.contains(LinkKind::Data)
        || memchr_iter(b'<', html.as_bytes()).any(|at| {
            let name = tag_name(&html[at + 1..]);
            Speaking::ALL
                .into_iter()
                .any(|speaking| name.eq_ignore_ascii_case(speaking.name()) && speaking.is_wanted(wanted))
        })
}
