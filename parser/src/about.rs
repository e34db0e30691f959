//! Who wrote a page and when, from what its own data says: JSON-LD first, then meta tags.

use crate::{date, text};
use serde_json::{Map, Value};
use std::collections::HashMap;
use trawl_shared::model::MetaTag;

/// Most objects of JSON-LD looked at.
const MAX_NODES: usize = 2_000;

/// Deepest nesting of objects followed.
const MAX_DEPTH: usize = 12;

/// Most authors kept.
const MAX_AUTHORS: usize = 20;

/// Longest name of an author, in characters.
const MAX_NAME: usize = 200;

/// Who and when.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The names of the authors, parted by `; `.
    pub author: Option<String>,
    /// When it was published (see [`date::normalised`]).
    pub published: Option<String>,
    /// When it was last changed.
    pub modified: Option<String>,
}

const AUTHOR: [&str; 9] = [
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "citation_author",
    "parsely-author",
    "sailthru.author",
    "byl",
    "og:article:author",
];

const PUBLISHED: [&str; 18] = [
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "article:published",
    "dcterms.issued",
    "dc.date.issued",
    "dcterms.created",
    "dc.date.created",
    "parsely-pub-date",
    "sailthru.date",
    "citation_publication_date",
    "citation_date",
    "publishdate",
    "pubdate",
    "publish_date",
    "dc.date",
    "date",
];

const MODIFIED: [&str; 8] = [
    "article:modified_time",
    "og:article:modified_time",
    "og:updated_time",
    "datemodified",
    "article:modified",
    "dcterms.modified",
    "dc.date.modified",
    "last-modified",
];

/// Gathers what is said of the page.
#[must_use]
pub fn of<'a>(meta: &[MetaTag], json_ld: impl Iterator<Item = &'a Value>) -> About {
    let mut nodes = Vec::new();
    for value in json_ld {
        collect(value, 0, &mut nodes);
    }
    let by_id: HashMap<&str, &Map<String, Value>> =
        nodes.iter().filter_map(|node| Some((node.get("@id")?.as_str()?, *node))).collect();
    // What speaks of the page itself, the most telling first.
    let works: Vec<&Map<String, Value>> =
        [is_article as fn(&str) -> bool, is_page].iter().flat_map(|is| typed(&nodes, *is)).collect();
    let date_of =
        |name: &str| works.iter().find_map(|work| work.get(name)?.as_str().and_then(date::normalised));
    let meta_date = |names: &[&str]| named(meta, names).find_map(date::normalised);
    About {
        author: authors(&works, &by_id).or_else(|| meta_authors(meta)),
        published: date_of("datePublished").or_else(|| meta_date(&PUBLISHED)),
        modified: date_of("dateModified").or_else(|| meta_date(&MODIFIED)),
    }
}

/// The contents of the meta tags of these names, in the order of the names.
fn named<'m>(meta: &'m [MetaTag], names: &[&str]) -> impl Iterator<Item = &'m str> {
    names
        .iter()
        .flat_map(|name| meta.iter().filter(|tag| tag.name.trim().eq_ignore_ascii_case(name)))
        .map(|tag| tag.content.as_str())
        .collect::<Vec<_>>()
        .into_iter()
}

fn meta_authors(meta: &[MetaTag]) -> Option<String> {
    AUTHOR.iter().find_map(|name| joined(named(meta, &[name]).filter_map(person)))
}

/// A name as people write it; an address is none.
fn person(name: &str) -> Option<String> {
    let name = text::collapsed(name, MAX_NAME)?;
    let is_address = name.contains("://") || name.starts_with(['/', '@']);
    (!is_address).then_some(name)
}

fn joined(names: impl Iterator<Item = String>) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if kept.len() < MAX_AUTHORS && !kept.contains(&name) {
            kept.push(name);
        }
    }
    (!kept.is_empty()).then(|| kept.join("; "))
}

fn authors(works: &[&Map<String, Value>], by_id: &HashMap<&str, &Map<String, Value>>) -> Option<String> {
    works.iter().find_map(|work| {
        let author = work.get("author").or_else(|| work.get("creator"))?;
        let mut names = Vec::new();
        author_names(author, by_id, 0, &mut names);
        joined(names.into_iter())
    })
}

fn author_names(
    author: &Value,
    by_id: &HashMap<&str, &Map<String, Value>>,
    depth: usize,
    names: &mut Vec<String>,
) {
    if depth > 3 || names.len() > MAX_AUTHORS {
        return;
    }
    match author {
        Value::String(name) => names.extend(person(name)),
        Value::Array(authors) => {
            for author in authors {
                author_names(author, by_id, depth + 1, names);
            }
        }
        Value::Object(node) => match node.get("name") {
            Some(name) => author_names(name, by_id, depth + 1, names),
            None => {
                let named = node.get("@id").and_then(Value::as_str).and_then(|id| by_id.get(id));
                if let Some(name) = named.and_then(|node| node.get("name")) {
                    author_names(name, by_id, depth + 1, names);
                }
            }
        },
        _ => {}
    }
}

/// All objects of a value, outer before inner.
fn collect<'a>(value: &'a Value, depth: usize, nodes: &mut Vec<&'a Map<String, Value>>) {
    if depth > MAX_DEPTH || nodes.len() >= MAX_NODES {
        return;
    }
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, depth + 1, nodes)),
        Value::Object(node) => {
            nodes.push(node);
            node.values().for_each(|value| collect(value, depth + 1, nodes));
        }
        _ => {}
    }
}

fn typed<'n, 'a>(
    nodes: &'n [&'a Map<String, Value>],
    is: impl Fn(&str) -> bool,
) -> Vec<&'a Map<String, Value>> {
    let has_type = |node: &&&'a Map<String, Value>| match node.get("@type") {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(&is),
        _ => false,
    };
    nodes.iter().filter(has_type).copied().collect()
}

fn is_article(name: &str) -> bool {
    let name = name.rsplit(['/', '#']).next().unwrap_or_default();
    name.ends_with("Article")
        || name.ends_with("Posting") && name != "JobPosting"
        || matches!(name, "Report" | "Recipe" | "HowTo" | "Review" | "Book" | "Course" | "VideoObject")
}

fn is_page(name: &str) -> bool {
    let name = name.rsplit(['/', '#']).next().unwrap_or_default();
    name.ends_with("Page") || matches!(name, "CreativeWork" | "Product" | "Event" | "JobPosting")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meta(tags: &[(&str, &str)]) -> Vec<MetaTag> {
        let tag = |(name, content): &(&str, &str)| MetaTag {
            name: (*name).to_owned(),
            content: (*content).to_owned(),
        };
        tags.iter().map(tag).collect()
    }

    #[test]
    fn json_ld_wins_and_references_are_followed() {
        let graph = json!({"@graph": [
            {"@type": "WebPage", "datePublished": "2001-01-01"},
            {"@type": ["NewsArticle"], "author": [{"@id": "#a"}, {"name": "B  C"}], "datePublished": "2020-02-03T04:05:06+01:00"},
            {"@id": "#a", "@type": "Person", "name": "A"}
        ]});
        let about = of(&meta(&[("author", "M"), ("og:updated_time", "2021-01-01")]), [&graph].into_iter());
        assert_eq!(about.author.as_deref(), Some("A; B C"));
        assert_eq!(about.published.as_deref(), Some("2020-02-03T04:05:06+01:00"));
        assert_eq!(about.modified.as_deref(), Some("2021-01-01"));
    }

    #[test]
    fn meta_tags_in_the_order_of_their_worth() {
        let tags = [
            ("article:author", "https://example.org/people/a"),
            ("citation_author", "One"),
            ("citation_author", "Two"),
            ("date", "2001-01-01"),
            ("Article:Published_Time", "2002-02-02"),
        ];
        let about = of(&meta(&tags), std::iter::empty());
        assert_eq!(about.author.as_deref(), Some("One; Two"));
        assert_eq!(about.published.as_deref(), Some("2002-02-02"));
        assert_eq!(about.modified, None);
    }
}
