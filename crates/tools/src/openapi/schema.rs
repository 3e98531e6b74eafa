//! Schemas of arguments, taken out of a document: what they refer to comes along under `$defs`.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::document::{Document, NotUsable};

/// Bytes of the schema of one operation: more is more than a model should read.
const MAX_BYTES: usize = 64 << 10;
/// Keys that say nothing about what fits.
const FOR_READERS: &[&str] = &["xml", "externalDocs", "example", "discriminator"];
/// Levels of a schema.
const MAX_DEPTH: usize = 64;

/// Schemas of one operation, with what they refer to.
pub(super) struct Schemas<'d> {
    document: Document<'d>,
    /// Names by reference.
    names: BTreeMap<String, String>,
    /// References that nobody has looked at yet.
    open: VecDeque<String>,
}

impl<'d> Schemas<'d> {
    pub(super) fn new(document: &Document<'d>) -> Self {
        Self { document: document.clone(), names: BTreeMap::new(), open: VecDeque::new() }
    }

    /// A schema whose references lead to `$defs`.
    pub(super) fn own(&mut self, schema: &Value, pointer: &str) -> Result<Value, NotUsable> {
        self.rewritten(schema, pointer, 0)
    }

    fn rewritten(
        &mut self,
        schema: &Value,
        pointer: &str,
        depth: usize,
    ) -> Result<Value, NotUsable> {
        if depth > MAX_DEPTH {
            return Err(NotUsable::at(pointer, "is too deep"));
        }
        Ok(match schema {
            Value::Object(fields) => {
                let mut own = Map::new();
                for (key, value) in fields {
                    if FOR_READERS.contains(&key.as_str()) && depth_of_schema(key, value) {
                        continue;
                    }
                    let value = match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => {
                            Value::String(self.named(reference, pointer)?)
                        }
                        _ => self.rewritten(value, pointer, depth + 1)?,
                    };
                    own.insert(key.clone(), value);
                }
                Value::Object(own)
            }
            Value::Array(items) => {
                let items = items.iter().map(|item| self.rewritten(item, pointer, depth + 1));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        })
    }

    /// Where a reference leads in the schema that is made.
    fn named(&mut self, reference: &str, pointer: &str) -> Result<String, NotUsable> {
        if self.document.at(reference).is_none() {
            let why = format!("refers to `{reference}`, which is not in here");
            return Err(NotUsable::at(pointer, why));
        }
        if !self.names.contains_key(reference) {
            let last = reference.rsplit('/').next().unwrap_or_default();
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
            let mut name: String = last.chars().map(plain).collect();
            while self.names.values().any(|taken| *taken == name) {
                name.push('_');
            }
            self.names.insert(reference.to_owned(), name);
            self.open.push_back(reference.to_owned());
        }
        let name = self.names.get(reference).map_or("", String::as_str);
        Ok(format!("#/$defs/{name}"))
    }

    /// Puts what was referred to into the schema.
    pub(super) fn put_into(mut self, schema: &mut Value, pointer: &str) -> Result<(), NotUsable> {
        let mut definitions = Map::new();
        let mut bytes = schema.to_string().len();
        while let Some(reference) = self.open.pop_front() {
            let value = self.document.at(&reference).unwrap_or(&Value::Null);
            let own = self.own(value, reference.trim_start_matches('#'))?;
            bytes += own.to_string().len();
            if bytes > MAX_BYTES {
                break;
            }
            let name = self.names.get(&reference).cloned().unwrap_or_default();
            definitions.insert(name, own);
        }
        if bytes > MAX_BYTES {
            let why = format!("has arguments whose schema is larger than {MAX_BYTES} bytes");
            return Err(NotUsable::at(pointer, why));
        }
        if let (false, Value::Object(fields)) = (definitions.is_empty(), schema) {
            fields.insert("$defs".to_owned(), Value::Object(definitions));
        }
        Ok(())
    }
}

/// Whether a key is a keyword for readers and no property that happens to be called so.
fn depth_of_schema(key: &str, value: &Value) -> bool {
    // The schema of a property says what fits; a keyword for readers does not.
    let says = ["type", "$ref", "anyOf", "oneOf", "allOf", "enum", "properties"];
    key == "example" || !says.iter().any(|word| value.get(word).is_some())
}
