//! Sitemaps and feeds as XML, broken or not.

use super::{
    Bounded, Format, SitemapError,
    record::{Field, Record, field, record_format},
};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use std::{io::BufRead, ops::ControlFlow};
use url::Url;

/// Events before the first element after which it is not looked for any longer.
const MAX_PROLOGUE: u32 = 1000;

pub(super) fn read(
    text: impl BufRead,
    url: &Url,
    to: &mut Bounded<'_>,
) -> Result<(Format, Option<String>), SitemapError> {
    let mut reader = reader(text);
    let mut buffer = Vec::new();
    let (format, prefix) = find_root(&mut reader, &mut buffer)
        .map_err(|what| SitemapError::NoSitemap(format!("it begins with {what}")))?;
    let mut state = State { format, prefix, url, record: None, nested: 0, foreign: 0 };
    let cut = loop {
        buffer.clear();
        let flow = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break None,
            Ok(event) => state.event(&event, to),
            Err(error) => break Some(format!("its markup can't be read to the end: {error}")),
        };
        if flow.is_break() {
            return Ok((format, None));
        }
    };
    // An entry that lacks its end tag has its URL; one that breaks off in the middle of its images or
    // news may be half written, and is left out.
    if state.foreign == 0 && state.end_record(to).is_break() {
        return Ok((format, None));
    }
    Ok((format, cut))
}

/// What the first element is.
pub(super) fn root(text: impl BufRead) -> Option<Format> {
    find_root(&mut reader(text), &mut Vec::new()).ok().map(|(format, _)| format)
}

fn reader<R: BufRead>(text: R) -> Reader<R> {
    let mut reader = Reader::from_reader(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    // `?a=1&b=2` is not XML, but everybody knows what it means.
    config.allow_dangling_amp = true;
    reader
}

/// The format by the first element, and the prefix that its names have; or what there is instead.
fn find_root<R: BufRead>(reader: &mut Reader<R>, buffer: &mut Vec<u8>) -> Result<(Format, String), String> {
    for _ in 0..MAX_PROLOGUE {
        buffer.clear();
        match reader.read_event_into(buffer) {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                let name = tag.local_name().into_inner().to_owned();
                let format = match name.to_ascii_lowercase().as_str() {
                    "urlset" => Format::UrlSet,
                    "sitemapindex" => Format::Index,
                    "rss" => Format::Rss,
                    // The names of RSS 1.0 stand in no namespace of `rdf:RDF`.
                    "rdf" => return Ok((Format::Rss, String::new())),
                    "feed" => Format::Atom,
                    _ => return Err(format!("<{name}>")),
                };
                return Ok((format, prefix(&tag).to_owned()));
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Err("no element that can be read".to_owned())
}

fn prefix<'t>(tag: &'t BytesStart<'_>) -> &'t str {
    tag.name().prefix().map_or("", |prefix| prefix.into_inner())
}

/// Where in the document we are.
struct State<'u> {
    format: Format,
    prefix: String,
    url: &'u Url,
    record: Option<Record>,
    /// Elements of a record's name that are open within a field (`<loc><url>…</url></loc>`).
    nested: u32,
    /// Elements that are open within a record and say nothing we know: images, news, authors.
    foreign: u32,
}

impl State<'_> {
    fn event(&mut self, event: &Event<'_>, to: &mut Bounded<'_>) -> ControlFlow<()> {
        match event {
            Event::Start(tag) => return self.start(tag, to),
            Event::Empty(tag) => {
                if self.record.is_some() && self.foreign == 0 {
                    self.attributes(tag);
                }
            }
            Event::End(tag) => {
                let name = tag.name();
                let own = name.prefix().map_or("", |prefix| prefix.into_inner()) == self.prefix;
                return self.end(own, name.local_name().into_inner(), to);
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                if let Ok(Some(c)) = reference.resolve_char_ref() {
                    self.text(c.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = quick_xml::escape::resolve_xml_entity(reference) {
                    self.text(text);
                }
                // Any other entity is a DTD's and stands for nothing.
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {}
        }
        ControlFlow::Continue(())
    }

    fn start(&mut self, tag: &BytesStart<'_>, to: &mut Bounded<'_>) -> ControlFlow<()> {
        let name = tag.local_name();
        let name = name.into_inner();
        let own = prefix(tag) == self.prefix;
        let begins = own.then(|| record_format(self.format, name)).flatten();
        if let Some(begins) = begins {
            if self.record.as_ref().is_some_and(Record::is_in_field) && self.foreign == 0 {
                self.nested += 1;
                return ControlFlow::Continue(());
            }
            // The one before was never closed.
            self.end_record(to)?;
            self.record = Some(Record::new(begins));
            return ControlFlow::Continue(());
        }
        let Some(record) = &mut self.record else { return ControlFlow::Continue(()) };
        if self.foreign > 0 {
            self.foreign += 1;
            return ControlFlow::Continue(());
        }
        let is_date = record.format == Format::Rss && name == "date";
        let known = if own { field(record.format, name) } else { is_date.then_some(Field::Lastmod) };
        match known {
            Some(known) => {
                // The field before was never closed.
                record.close(self.url);
                self.nested = 0;
                if let Some(entry) = record.open(known) {
                    to.give(entry)?;
                }
                self.attributes(tag);
            }
            None if record.is_in_field() => {}
            None => {
                self.attributes(tag);
                self.foreign = 1;
            }
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self, own: bool, name: &str, to: &mut Bounded<'_>) -> ControlFlow<()> {
        let Some(record) = &mut self.record else { return ControlFlow::Continue(()) };
        if own && record_format(self.format, name) == Some(record.format) {
            if self.nested > 0 {
                self.nested -= 1;
                return ControlFlow::Continue(());
            }
            record.close(self.url);
            return self.end_record(to);
        }
        if self.foreign > 0 {
            self.foreign -= 1;
        } else if field(record.format, name).is_some() || name == "date" {
            record.close(self.url);
            self.nested = 0;
        }
        ControlFlow::Continue(())
    }

    fn text(&mut self, text: &str) {
        if self.foreign == 0
            && let Some(record) = &mut self.record
        {
            record.text(text);
        }
    }

    /// What stands in the attributes of an element of a record.
    fn attributes(&mut self, tag: &BytesStart<'_>) {
        let Some(record) = &mut self.record else { return };
        let value = |name: &str| {
            let attribute = tag.html_attributes().flatten().find(|attribute| attribute.key.0 == name)?;
            Some(attribute.value.into_owned())
        };
        match tag.local_name().into_inner() {
            "link" if record.format == Format::Atom && prefix(tag) == self.prefix => {
                let is_page = value("rel").is_none_or(|rel| rel.trim().eq_ignore_ascii_case("alternate"));
                if let Some(href) = value("href").filter(|_| is_page) {
                    let href =
                        quick_xml::escape::unescape(&href).map_or(href.clone(), std::borrow::Cow::into_owned);
                    record.link(&href, self.url);
                }
            }
            "guid" if value("isPermaLink").is_some_and(|is| is.eq_ignore_ascii_case("false")) => {
                record.forget_guid();
            }
            _ => {}
        }
    }

    fn end_record(&mut self, to: &mut Bounded<'_>) -> ControlFlow<()> {
        self.nested = 0;
        self.foreign = 0;
        match self.record.take().and_then(|record| record.finish(self.url)) {
            Some(entry) => to.give(entry),
            None => ControlFlow::Continue(()),
        }
    }
}
