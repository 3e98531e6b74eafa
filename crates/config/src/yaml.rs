//! YAML 1.2 into a tree with places. Duplicate keys and merge keys are problems like others, so
//! that all of a file's problems are reported together; only broken syntax ends the reading.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

use crate::node::{Entry, Kind, Node, Scalar, Value};
use crate::origin::Source;
use crate::problem::{Problem, Wrong};

/// Lists and groups inside each other, at most.
const MAX_DEPTH: usize = 32;

/// The tree of a file. What can be read despite problems is read.
pub(crate) fn parse(
    path: &Arc<Path>,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Result<Node, Problem> {
    parse_within(path, text, MAX_DEPTH, problems)
}

/// The same with another bound on what is inside each other.
pub(crate) fn parse_within(
    path: &Arc<Path>,
    text: &str,
    max_depth: usize,
    problems: &mut Vec<Problem>,
) -> Result<Node, Problem> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: max_depth },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let file = File { path, text };
    let root: Result<Option<Spanned<Shape>>, _> =
        serde_saphyr::from_str_with_options(text, options);
    match root {
        Ok(Some(root)) => Ok(file.node(root, "", problems)),
        Ok(None) => Ok(Node::empty(file.at(Location::UNKNOWN))),
        Err(error) => Err(Problem {
            source: file.at(error.location().unwrap_or(Location::UNKNOWN)),
            key: String::new(),
            kind: Wrong::Syntax { detail: words(&error) },
        }),
    }
}

/// The parser's message without the place, which the problem has already.
pub(crate) fn words(error: &serde_saphyr::Error) -> String {
    match error {
        serde_saphyr::Error::Budget { .. } => {
            return "too much in one file, or lists and groups too deep inside each other"
                .to_owned();
        }
        serde_saphyr::Error::MultipleDocuments { .. } => {
            return "a second document begins here; a file is one document".to_owned();
        }
        _ => {}
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or("not YAML");
    let end = first.find(" at line ").unwrap_or(first.len());
    first.get(..end).unwrap_or(first).to_owned()
}

/// A value as the parser types it.
enum Shape {
    Null,
    Bool,
    Number,
    Text(String),
    List(Vec<Spanned<Shape>>),
    Map(Vec<(Spanned<Shape>, Spanned<Shape>)>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Bool)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Shape::Map(entries))
    }
}

/// The file being read.
struct File<'t> {
    path: &'t Arc<Path>,
    text: &'t str,
}

impl File<'_> {
    fn at(&self, location: Location) -> Source {
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        Source::File {
            path: self.path.clone(),
            line: number(location.line()),
            column: number(location.column()),
        }
    }

    /// What is written at a place: numbers and booleans are kept as they stand.
    fn written(&self, location: Location) -> Option<&str> {
        let span = location.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        self.text.get(start..end)
    }

    fn node(&self, spanned: Spanned<Shape>, path: &str, problems: &mut Vec<Problem>) -> Node {
        let source = self.at(spanned.referenced);
        let written = self.written(spanned.defined).unwrap_or_default().trim();
        let scalar =
            |text: &str, kind| Value::Scalar(Scalar { text: text.to_owned(), kind, written: None });
        let value = match spanned.value {
            Shape::Null => Value::Null,
            Shape::Bool => scalar(&written.to_ascii_lowercase(), Kind::Bool),
            Shape::Number => scalar(written, Kind::Number),
            Shape::Text(text) => {
                let plain = written == text;
                scalar(&text, if plain { Kind::Plain } else { Kind::Quoted })
            }
            Shape::List(items) => {
                Value::List(items.into_iter().map(|item| self.node(item, path, problems)).collect())
            }
            Shape::Map(entries) => Value::Map(self.entries(entries, path, problems)),
        };
        Node { value, source }
    }

    fn entries(
        &self,
        entries: Vec<(Spanned<Shape>, Spanned<Shape>)>,
        path: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<Entry> {
        let mut kept: Vec<Entry> = Vec::new();
        for (key, value) in entries {
            let source = self.at(key.referenced);
            let name = match key.value {
                Shape::Text(text) => text,
                _ => self.written(key.defined).unwrap_or_default().trim().to_owned(),
            };
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let node = self.node(value, &inner, problems);
            let problem = |kind| Problem { source: source.clone(), key: inner.clone(), kind };
            if name == "<<" {
                problems.push(problem(Wrong::MergeKey));
                continue;
            }
            match kept.iter().find(|entry| entry.key == name) {
                Some(Entry { source: Source::File { line, .. }, .. }) => {
                    problems.push(problem(Wrong::Duplicate { first: *line }));
                }
                _ => kept.push(Entry { key: name, source, node }),
            }
        }
        kept
    }
}
