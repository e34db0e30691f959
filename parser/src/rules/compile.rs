//! From the file to rules, or to all that is wrong with it.

use super::{
    error::{Problem, RulesError},
    field::{Field, Fields, PageFact, Part, Source},
    follow::Follow,
    format::{self, FieldTable, Text},
    locale::{self, Locale},
    pages::{Host, PageRules},
    pieces::{Pieces, Trim},
    typed::Kind,
};
use crate::dom::Query;
use regex::Regex;
use serde_json::Value;
use std::ops::Range;
use toml::Spanned;

/// Compiles a file.
pub(super) fn compile(text: &str) -> Result<Vec<PageRules>, RulesError> {
    let mut compiler = Compiler { text, problems: Vec::new() };
    let file: format::File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let line = compiler.line(error.span().map_or(0, |span| span.start));
            let what = error.message().to_owned();
            return Err(RulesError { problems: vec![Problem { line, field: String::new(), what }] });
        }
    };
    let locale = file.locale.as_ref().and_then(|tag| compiler.locale(tag, "locale"));
    if file.pages.is_empty() {
        compiler.problem(0..0, "pages", "there is no set of rules: add [[pages]] with fields or follow");
    }
    let sets =
        file.pages.iter().enumerate().map(|(index, pages)| compiler.pages(pages, index, locale)).collect();
    if compiler.problems.is_empty() {
        return Ok(sets);
    }
    compiler.problems.sort();
    Err(RulesError { problems: compiler.problems })
}

struct Compiler<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Compiler<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.get(..at.min(self.text.len())).unwrap_or_default().matches('\n').count() + 1
    }

    fn problem(&mut self, span: Range<usize>, field: impl Into<String>, what: impl Into<String>) {
        let line = self.line(span.start);
        self.problems.push(Problem { line, field: field.into(), what: what.into() });
    }

    fn pages(&mut self, pages: &Spanned<format::Pages>, index: usize, locale: Option<Locale>) -> PageRules {
        let span = pages.span();
        let pages = pages.as_ref();
        let name = pages.name.as_ref().map_or_else(String::new, |name| name.as_ref().clone());
        let path = if name.is_empty() { format!("pages[{index}]") } else { format!("pages.{name}") };
        let locale =
            pages.locale.as_ref().and_then(|tag| self.locale(tag, &format!("{path}.locale"))).or(locale);
        let hosts = pages.host.0.iter().filter_map(|host| {
            let parsed = Host::parse(host.as_ref());
            if parsed.is_none() {
                let what = format!(
                    "{:?} is no host: write example.org, example.org:8080 or *.example.org",
                    host.as_ref()
                );
                self.problem(host.span(), format!("{path}.host"), what);
            }
            parsed
        });
        let hosts = hosts.collect();
        let prefixes = pages.prefix.0.iter().map(|prefix| {
            let text = prefix.as_ref();
            if !["/", "http://", "https://"].iter().any(|start| text.starts_with(start)) {
                let what = format!("{text:?} is the beginning of no URL: write https://example.org/shop/, or /shop/ for any host");
                self.problem(prefix.span(), format!("{path}.prefix"), what);
            }
            text.clone()
        });
        let prefixes = prefixes.collect();
        let regexes =
            pages.regex.0.iter().filter_map(|regex| self.regex(regex, &format!("{path}.regex"))).collect();
        let items = pages.items.as_ref().and_then(|find| {
            let field = format!("{path}.items");
            let spanned = |text: &Option<String>| text.clone().map(|text| Spanned::new(find.span(), text));
            let (css, xpath) = (spanned(&find.as_ref().css), spanned(&find.as_ref().xpath));
            if css.is_none() && xpath.is_none() {
                self.problem(
                    find.span(),
                    &*field,
                    "says nowhere to look: write items = \"CSS selector\" or items = { xpath = \"...\" }",
                );
            }
            self.query(css.as_ref(), xpath.as_ref(), &field)
        });
        let fields = self.fields(&pages.fields, &format!("{path}.fields"), locale);
        let follow: Vec<Follow> =
            pages.follow.iter().filter_map(|follow| self.follow(follow, &path)).collect();
        if pages.fields.0.is_empty() && pages.follow.is_empty() && pages.follow_others {
            self.problem(span, path, "does nothing: add fields to extract, or links to follow");
        }
        let follows_others = pages.follow_others;
        PageRules { name, hosts, prefixes, regexes, items, fields, follow, follows_others }
    }

    fn fields(&mut self, fields: &format::Fields, path: &str, locale: Option<Locale>) -> Fields {
        let mut compiled = Fields::new();
        for (name, field) in &fields.0 {
            let path = format!("{path}.{}", name.as_ref());
            if matches!(name.as_ref().as_str(), "type") || name.as_ref().starts_with('_') {
                let what = "is taken: `type` is the name of the set, and names with _ are the crawler's; give the field another name";
                self.problem(name.span(), &*path, what);
                continue;
            }
            let mut table = TableOf { span: field.span(), path, field: &field.as_ref().0 };
            if let Some(field) = self.field(name.as_ref(), &mut table, locale) {
                compiled.push(field);
            }
        }
        compiled
    }

    fn field(&mut self, name: &str, of: &mut TableOf<'_>, locale: Option<Locale>) -> Option<Field> {
        let table = of.field;
        let before = self.problems.len();
        let locale = table.locale.as_ref().map_or(locale, |tag| self.locale(tag, &of.key("locale")));
        let source = self.source(of, locale);
        let kind = self.kind(of, locale);
        let regex = table.regex.as_ref().and_then(|regex| self.regex(regex, &of.key("regex")));
        if let Some(split) = table.split.as_ref().filter(|split| split.as_ref().is_empty()) {
            self.problem(
                split.span(),
                of.key("split"),
                "is empty: name the text between the parts, such as \",\"",
            );
        }
        let is_list = table.list.unwrap_or(false);
        let default = table.default.as_ref().and_then(|value| self.json(value, &of.key("default")));
        if self.problems.len() > before {
            return None;
        }
        let keeps_lines =
            matches!(&source, Some(Source::Find { part: Part::Lines | Part::Html | Part::RawText, .. }));
        let trim = match table.trim {
            Some(false) => Trim::No,
            _ if keeps_lines => Trim::Ends,
            _ => Trim::Collapse,
        };
        let pieces = Pieces {
            regex,
            split: table.split.as_ref().map(|split| split.as_ref().clone()),
            trim,
            pick: table.pick.as_ref().map(|pick| *pick.as_ref()),
            join: table.join.as_ref().map(|join| join.as_ref().clone()),
        };
        let is_required = table.required.unwrap_or(false);
        Some(Field {
            name: name.to_owned(),
            source: source?,
            pieces,
            kind: kind?,
            is_list,
            is_required,
            default,
        })
    }

    /// Where a field looks. Exactly one place must be named; an attribute alone is the item's own.
    fn source(&mut self, of: &TableOf<'_>, locale: Option<Locale>) -> Option<Source> {
        let table = of.field;
        let named = [
            ("css", table.css.is_some()),
            ("xpath", table.xpath.is_some()),
            ("page", table.page.is_some()),
            ("meta", table.meta.is_some()),
            ("const", table.constant.is_some()),
        ];
        let named: Vec<&str> =
            named.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
        if named.len() > 1 {
            let what = format!("has {} places to look: keep one of {}", named.len(), named.join(", "));
            self.problem(of.span.clone(), &*of.path, what);
            return None;
        }
        let finds = table.css.is_some() || table.xpath.is_some();
        for (key, text) in [("attr", &table.attr), ("take", &table.take)] {
            if let Some(text) = text.as_ref().filter(|_| !finds && !named.is_empty()) {
                let what =
                    format!("has no use with {}: an element has it, named by css or xpath", named.join(", "));
                self.problem(text.span(), of.key(key), what);
            }
        }
        if let Some(fields) = &table.fields {
            if !finds {
                self.problem(
                    of.span.clone(),
                    &*of.path,
                    "has fields and nowhere to look for them: add css or xpath",
                );
                return None;
            }
            let fields = self.fields(fields, &of.key("fields"), locale);
            let query = self.query(of.css().as_ref(), table.xpath.as_ref(), &of.path)?;
            return Some(Source::Nested { query, fields });
        }
        if let Some(value) = &table.constant {
            return self.json(value, &of.key("const")).map(Source::Constant);
        }
        if let Some(name) = &table.page {
            let fact = PageFact::named(name.as_ref());
            if fact.is_none() {
                let what = format!(
                    "{:?} is nothing that is known of a page: there are {}",
                    name.as_ref(),
                    PageFact::NAMES
                );
                self.problem(name.span(), of.key("page"), what);
            }
            return fact.map(Source::Page);
        }
        if let Some(name) = &table.meta {
            return Some(Source::Meta(name.as_ref().to_ascii_lowercase()));
        }
        let part = self.part(of);
        if !finds {
            if table.attr.is_none() && table.take.is_none() {
                self.problem(
                    of.span.clone(),
                    &*of.path,
                    "says nowhere to look: add css, xpath, meta, page or const",
                );
                return None;
            }
            return Some(Source::Find { query: None, part: part? });
        }
        let query = self.query(of.css().as_ref(), table.xpath.as_ref(), &of.path)?;
        Some(Source::Find { query: Some(query), part: part? })
    }

    fn part(&mut self, of: &TableOf<'_>) -> Option<Part> {
        let table = of.field;
        match (&table.attr, &table.take) {
            (Some(attr), Some(_)) => {
                self.problem(attr.span(), of.key("attr"), "stands beside take: keep one of them");
                None
            }
            (Some(attr), None) => Some(Part::Attribute(attr.as_ref().to_ascii_lowercase())),
            (None, None) => Some(Part::Text),
            (None, Some(take)) => match take.as_ref().as_str() {
                "text" => Some(Part::Text),
                "lines" => Some(Part::Lines),
                "raw" => Some(Part::RawText),
                "html" => Some(Part::Html),
                other => {
                    let what = format!(
                        "{other:?} is nothing to take of an element: there are text, lines, raw, html"
                    );
                    self.problem(take.span(), of.key("take"), what);
                    None
                }
            },
        }
    }

    fn kind(&mut self, of: &TableOf<'_>, locale: Option<Locale>) -> Option<Kind> {
        let table = of.field;
        let name = table.kind.as_ref().map_or("text", |kind| kind.as_ref().as_str());
        if let Some(format) = table.format.as_ref().filter(|_| name != "date") {
            self.problem(format.span(), of.key("format"), "is of dates only: add type = \"date\"");
        }
        match (name, &table.kind) {
            ("text", _) => Some(Kind::Text),
            ("number", _) => Some(Kind::Number(locale)),
            ("date", _) => {
                let format = table.format.as_ref().map(|format| format.as_ref().clone());
                Some(Kind::Date { format, locale })
            }
            ("url", _) => Some(Kind::Url),
            ("boolean", _) => Some(Kind::Boolean),
            (other, kind) => {
                let what = format!("{other:?} is no type: there are {}", Kind::NAMES);
                let span = kind.as_ref().map_or(of.span.clone(), Spanned::span);
                self.problem(span, of.key("type"), what);
                None
            }
        }
    }

    fn follow(&mut self, follow: &Spanned<format::Follow>, path: &str) -> Option<Follow> {
        let span = follow.span();
        let follow = follow.as_ref();
        let path = format!("{path}.follow");
        if follow.css.is_none() && follow.xpath.is_none() && follow.regex.is_none() {
            self.problem(
                span,
                path,
                "selects no links: add css or xpath for where they stand, or regex for their URL",
            );
            return None;
        }
        let before = self.problems.len();
        let query = self.query(follow.css.as_ref(), follow.xpath.as_ref(), &path);
        let regex = follow.regex.as_ref().and_then(|regex| self.regex(regex, &format!("{path}.regex")));
        let attribute = follow.attr.as_ref().map_or("href", |attr| attr.as_ref()).to_ascii_lowercase();
        (self.problems.len() == before).then_some(Follow {
            query,
            attribute,
            regex,
            priority: follow.priority,
            follow: follow.follow.unwrap_or(true),
        })
    }

    fn query(&mut self, css: Option<&Text>, xpath: Option<&Text>, path: &str) -> Option<Query> {
        match (css, xpath) {
            (Some(css), Some(_)) => {
                self.problem(css.span(), path, "has css and xpath: keep one of them");
                None
            }
            (Some(css), None) => self.compiled(css, Query::css, &format!("{path}.css"), "CSS selector"),
            (None, Some(xpath)) => {
                self.compiled(xpath, Query::xpath, &format!("{path}.xpath"), "XPath 1.0 expression")
            }
            (None, None) => None,
        }
    }

    fn compiled<T>(
        &mut self,
        text: &Text,
        compile: impl FnOnce(&str) -> Result<T, String>,
        path: &str,
        what: &str,
    ) -> Option<T> {
        match compile(text.as_ref()) {
            Ok(compiled) => Some(compiled),
            Err(error) => {
                self.problem(text.span(), path, format!("{:?} is no {what}: {error}", text.as_ref()));
                None
            }
        }
    }

    fn regex(&mut self, regex: &Text, path: &str) -> Option<Regex> {
        let last_line = |error: regex::Error| {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        };
        self.compiled(regex, |text| Regex::new(text).map_err(last_line), path, "regular expression")
    }

    fn locale(&mut self, tag: &Text, path: &str) -> Option<Locale> {
        let locale = Locale::named(tag.as_ref());
        if locale.is_none() {
            let what =
                format!("{:?} is no language that is known here: there are {}", tag.as_ref(), locale::KNOWN);
            self.problem(tag.span(), path, what);
        }
        locale
    }

    fn json(&mut self, value: &Spanned<toml::Value>, path: &str) -> Option<Value> {
        match serde_json::to_value(value.as_ref()) {
            Ok(json) => Some(json),
            Err(error) => {
                self.problem(value.span(), path, format!("has no JSON form: {error}; write it as a text"));
                None
            }
        }
    }
}

/// A field's table and where it stands.
struct TableOf<'f> {
    span: Range<usize>,
    path: String,
    field: &'f FieldTable,
}

impl TableOf<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// The CSS selector; one that is written alone stands where the field does.
    fn css(&self) -> Option<Text> {
        let css = self.field.css.as_ref()?;
        let span = if css.span().is_empty() { self.span.clone() } else { css.span() };
        Some(Spanned::new(span, css.as_ref().clone()))
    }
}

#[cfg(test)]
mod tests;
