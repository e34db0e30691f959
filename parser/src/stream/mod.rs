//! The streaming tier: links and metadata from one pass of `lol_html`, without a tree.
//!
//! What keeps it cheap:
//! - Only elements are listened to, never text: while no text is asked for, the tokeniser merely
//!   looks for tags. The few texts that matter (titles, anchors) are read from the source, from
//!   where their element starts (`source`, `anchor`).
//! - Names and values of attributes are slices of the source; only references are decoded.
//! - Nothing is written: the rewriter's output goes nowhere.
//!
//! What the tokeniser can't know without a tree ends in an error, and the tree is asked instead.

mod anchor;
mod collector;
pub(crate) mod source;

use crate::{
    elements::{Speaking, Wanted},
    facts::Facts,
    settings::Settings,
};
use collector::Collector;
use lol_html::{
    AsciiCompatibleEncoding, ElementContentHandlers, HtmlRewriter, MemorySettings, Selector,
    Settings as RewriterSettings, errors::RewritingError, html_content::Element,
};
use std::{borrow::Cow, cell::RefCell, sync::LazyLock};
use trawl_shared::model::LinkKind;

/// Gathers the facts of a page.
///
/// # Errors
/// When the markup can't be read without a tree, or nests too deep for the memory it may use.
pub fn facts<'d>(html: &'d str, wanted: Wanted, settings: &'d Settings) -> Result<Facts<'d>, RewritingError> {
    let collector = RefCell::new(Collector::new(html.len(), wanted, settings));
    pass(html, &collector, settings)?;
    Ok(collector.into_inner().facts)
}

/// The elements that say something.
static SPEAKING: LazyLock<Vec<(Selector, Speaking)>> =
    LazyLock::new(|| Speaking::ALL.into_iter().map(|element| (selector(element.name()), element)).collect());

static DATA: LazyLock<Selector> = LazyLock::new(|| selector("[data-href], [data-url], [data-src]"));
static TEMPLATE: LazyLock<Selector> = LazyLock::new(|| selector("template"));
static NOSCRIPT: LazyLock<Selector> = LazyLock::new(|| selector("noscript"));

fn selector(name: &str) -> Selector {
    name.parse().expect("these are selectors")
}

fn pass<'d>(
    html: &'d str,
    collector: &RefCell<Collector<'d>>,
    settings: &Settings,
) -> Result<(), RewritingError> {
    let memory = MemorySettings::new().with_max_allowed_memory_usage(settings.max_streaming_memory);
    let mut rewriter =
        RewriterSettings::new().with_encoding(AsciiCompatibleEncoding::utf_8()).with_memory_settings(memory);
    let wanted = collector.borrow().facts.wanted;
    for (selector, speaking) in SPEAKING.iter().filter(|(_, speaking)| speaking.is_wanted(wanted)) {
        let handler =
            move |element: &mut Element<'_, '_>| collector.borrow_mut().take(*speaking, element, html);
        let handlers = ElementContentHandlers::default().element(handler);
        rewriter = rewriter.append_element_content_handler((Cow::Borrowed(selector), handlers));
    }
    if wanted.kinds.contains(LinkKind::Data) {
        let data = move |element: &mut Element<'_, '_>| {
            collector.borrow_mut().take_data(element, html);
            Ok(())
        };
        let handlers = ElementContentHandlers::default().element(data);
        rewriter = rewriter.append_element_content_handler((Cow::Borrowed(&*DATA), handlers));
    }
    let template = move |element: &mut Element<'_, '_>| collector.borrow_mut().enter_template(element);
    let handlers = ElementContentHandlers::default().element(template);
    rewriter = rewriter.append_element_content_handler((Cow::Borrowed(&*TEMPLATE), handlers));
    // Without scripting, what stands in <noscript> is markup: a pass of its own, in its place.
    let noscript = move |element: &mut Element<'_, '_>| {
        let Some(inner) = collector.borrow_mut().enter_noscript(element, html) else { return Ok(()) };
        let result = pass(inner, collector, settings);
        collector.borrow_mut().leave_noscript();
        Ok(result?)
    };
    let handlers = ElementContentHandlers::default().element(noscript);
    let rewriter = rewriter.append_element_content_handler((Cow::Borrowed(&*NOSCRIPT), handlers));

    let mut rewriter = HtmlRewriter::new(rewriter, |_: &[u8]| {});
    rewriter.write(html.as_bytes())?;
    rewriter.end()
}
