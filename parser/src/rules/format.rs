//! The rules file as TOML has it: names and shapes, and where they stand.

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;
use toml::Spanned;

/// A text and where it stands.
pub(super) type Text = Spanned<String>;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The language of numbers and dates, where a set or a field names no other.
    pub(super) locale: Option<Text>,
    pub(super) pages: Vec<Spanned<Pages>>,
}

/// `[[pages]]`: a set of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pages {
    pub(super) name: Option<Text>,
    #[serde(default)]
    pub(super) host: Texts,
    #[serde(default)]
    pub(super) prefix: Texts,
    #[serde(default)]
    pub(super) regex: Texts,
    pub(super) locale: Option<Text>,
    /// What is an item; without it the page is one.
    pub(super) items: Option<Spanned<Find>>,
    #[serde(default)]
    pub(super) fields: Fields,
    #[serde(default)]
    pub(super) follow: Vec<Spanned<Follow>>,
    /// Whether links that no `follow` selects are followed too.
    #[serde(default = "yes")]
    pub(super) follow_others: bool,
}

const fn yes() -> bool {
    true
}

/// Where to look: a CSS selector by itself, or `{ css = ... }`, or `{ xpath = ... }`.
#[derive(Debug, Default)]
pub(super) struct Find {
    pub(super) css: Option<String>,
    pub(super) xpath: Option<String>,
}

/// Fields by name, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(Text, Spanned<Field>)>);

/// A field: a CSS selector by itself, or a table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FieldTable {
    pub(super) css: Option<Text>,
    pub(super) xpath: Option<Text>,
    pub(super) page: Option<Text>,
    pub(super) meta: Option<Text>,
    #[serde(rename = "const")]
    pub(super) constant: Option<Spanned<toml::Value>>,
    pub(super) attr: Option<Text>,
    pub(super) take: Option<Text>,
    pub(super) regex: Option<Text>,
    pub(super) split: Option<Text>,
    pub(super) trim: Option<bool>,
    pub(super) pick: Option<Spanned<i64>>,
    pub(super) join: Option<Text>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Text>,
    pub(super) format: Option<Text>,
    pub(super) locale: Option<Text>,
    pub(super) list: Option<bool>,
    pub(super) required: Option<bool>,
    pub(super) default: Option<Spanned<toml::Value>>,
    pub(super) fields: Option<Fields>,
}

#[derive(Debug, Default)]
pub(super) struct Field(pub(super) FieldTable);

/// `[[pages.follow]]`: links to mark.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Follow {
    pub(super) css: Option<Text>,
    pub(super) xpath: Option<Text>,
    pub(super) attr: Option<Text>,
    pub(super) regex: Option<Text>,
    pub(super) priority: Option<i32>,
    pub(super) follow: Option<bool>,
}

/// One text or a list of them.
#[derive(Debug, Default)]
pub(super) struct Texts(pub(super) Vec<Text>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<OneOrMany>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(Self(match spanned.into_inner() {
            OneOrMany::One(text) => vec![Spanned::new(span, text)],
            OneOrMany::Many(texts) => texts,
        }))
    }
}

#[derive(Debug)]
enum OneOrMany {
    One(String),
    Many(Vec<Text>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany::Many(texts))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A text, or the table that it stands for.
struct TextOr<T>(std::marker::PhantomData<T>);

/// What can be written as a CSS selector alone.
trait FromSelector: Default {
    fn from_selector(selector: String) -> Self;
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

impl<'de, T: FromSelector> Visitor<'de> for TextOr<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CSS selector or a table")
    }

    fn visit_str<E: de::Error>(self, selector: &str) -> Result<T, E> {
        Ok(T::from_selector(selector.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_map(map)
    }
}

impl FromSelector for Field {
    fn from_selector(selector: String) -> Self {
        // The span of the whole field is the selector's.
        Self(FieldTable { css: Some(Spanned::new(0..0, selector)), ..FieldTable::default() })
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        FieldTable::deserialize(MapAccessDeserializer::new(map)).map(Self)
    }
}

impl FromSelector for Find {
    fn from_selector(selector: String) -> Self {
        Self { css: Some(selector), xpath: None }
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            css: Option<String>,
            xpath: Option<String>,
        }
        let Table { css, xpath } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Self { css, xpath })
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Find {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr(std::marker::PhantomData))
    }
}
