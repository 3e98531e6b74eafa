//! A document as values: references within it, servers, and where its operations stand.

use serde_json::{Map, Value};

use super::operation::Operation;
use super::{MAX_OPERATIONS, operation};

/// References that lead to references, at most.
const MAX_HOPS: usize = 16;
/// What an operation of a path may be called by, and its method.
const METHODS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("head", "HEAD"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
];

/// A document that cannot be used, and the place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", if pointer.is_empty() { String::new() } else { format!("{pointer}: ") })]
pub struct NotUsable {
    /// Where, as a JSON pointer; empty for the whole document.
    pub pointer: String,
    /// What is wrong.
    pub why: String,
}

impl NotUsable {
    pub(super) fn at(pointer: &str, why: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), why: why.into() }
    }
}

/// A document that says that it is one.
#[derive(Clone)]
pub(super) struct Document<'d> {
    root: &'d Value,
}

impl<'d> Document<'d> {
    pub(super) fn of(root: &'d Value) -> Result<Self, NotUsable> {
        match root.get("openapi").and_then(Value::as_str) {
            Some(version) if version.starts_with("3.1.") || version == "3.1" => Ok(Self { root }),
            Some(version) => {
                let why = format!("is OpenAPI {version}, and 3.1 is read");
                Err(NotUsable::at("/openapi", why))
            }
            None => Err(NotUsable::at("", "is no OpenAPI document: it has no `openapi`")),
        }
    }

    /// What stands at a place, references followed, and its own place.
    pub(super) fn resolved(
        &self,
        mut pointer: String,
        mut value: &'d Value,
    ) -> Result<(String, &'d Value), NotUsable> {
        for _ in 0..MAX_HOPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Ok((pointer, value));
            };
            value = self.at(reference).ok_or_else(|| {
                NotUsable::at(&pointer, format!("refers to `{reference}`, which is not in here"))
            })?;
            reference.trim_start_matches('#').clone_into(&mut pointer);
        }
        Err(NotUsable::at(&pointer, "refers to itself"))
    }

    /// What a reference within the document names.
    pub(super) fn at(&self, reference: &str) -> Option<&'d Value> {
        self.root.pointer(&decoded(reference.strip_prefix('#')?))
    }

    /// The address of the first server, its variables as they are by default.
    pub(super) fn server(&self) -> Result<String, NotUsable> {
        let server = self.root.pointer("/servers/0");
        let url = server.and_then(|server| server.get("url")).and_then(Value::as_str);
        let mut url = url
            .ok_or_else(|| NotUsable::at("", "names no server; say which with `server`"))?
            .to_owned();
        let variables = server.and_then(|server| server.get("variables")?.as_object());
        for (name, variable) in variables.into_iter().flatten() {
            let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
            url = url.replace(&format!("{{{name}}}"), default);
        }
        if url.contains("://") {
            return Ok(url);
        }
        let why = format!("`{url}` is no whole address; say which with `server`");
        Err(NotUsable::at("/servers/0/url", why))
    }

    fn paths(&self) -> Result<&'d Map<String, Value>, NotUsable> {
        let paths = self.root.get("paths").and_then(Value::as_object);
        paths.ok_or_else(|| NotUsable::at("", "has no `paths`"))
    }

    /// Every operation: its name, its method, its path and the item it is in.
    fn each(&self) -> Result<Vec<Found<'d>>, NotUsable> {
        let mut found = Vec::new();
        for (path, item) in self.paths()? {
            let pointer = format!("/paths/{}", escaped(path));
            let (pointer, item) = self.resolved(pointer, item)?;
            for (key, method) in METHODS {
                let Some(operation) = item.get(key) else { continue };
                let named = operation.get("operationId").and_then(Value::as_str);
                let id = named.map_or_else(|| unnamed(key, path), str::to_owned);
                let pointer = format!("{pointer}/{key}");
                found.push(Found { id, method, path, item, operation, pointer });
            }
        }
        Ok(found)
    }

    /// The names of all operations.
    pub(super) fn ids(&self) -> Vec<String> {
        self.each().unwrap_or_default().into_iter().map(|found| found.id).collect()
    }

    /// The operations that are wanted.
    pub(super) fn operations(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Operation>, NotUsable> {
        let wanted: Vec<_> = self.each()?.into_iter().filter(|found| wanted(&found.id)).collect();
        if wanted.len() > MAX_OPERATIONS {
            let why = format!(
                "has {} operations, and at most {MAX_OPERATIONS} become tools; name some with `include`",
                wanted.len()
            );
            return Err(NotUsable::at("/paths", why));
        }
        wanted.into_iter().map(|found| operation::read(self, found)).collect()
    }
}

/// An operation where it stands.
pub(super) struct Found<'d> {
    pub(super) id: String,
    pub(super) method: &'static str,
    pub(super) path: &'d str,
    pub(super) item: &'d Value,
    pub(super) operation: &'d Value,
    pub(super) pointer: String,
}

/// The name of an operation that has none: `get_pets_id`.
fn unnamed(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// A key as a part of a JSON pointer (RFC 6901, 3).
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A fragment of an address without its percent-encoding.
fn decoded(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let encoded = (*byte == b'%').then(|| behind.get(..2)).flatten();
        let value = encoded
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.unwrap_or(*byte));
        let taken = if value.is_some() { 2 } else { 0 };
        rest = behind.get(taken..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
