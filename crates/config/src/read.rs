//! From the tree to typed values. A key becomes known by being asked for, so that a key which
//! nothing reads cannot exist: whatever is left over is reported with the nearest key that was
//! asked for.

use crate::node::{Entry, Node, Value};
use crate::origin::{Origin, Source};
use crate::problem::{Problem, Wrong, known_words};
use crate::show::Show;
use crate::spelling::nearest;

/// What reading yields beside the values.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) problems: Vec<Problem>,
    pub(crate) origins: Vec<Origin>,
}

impl Report {
    /// Notes something wrong.
    pub(crate) fn wrong(&mut self, source: &Source, key: &str, kind: Wrong) {
        self.problems.push(Problem { source: source.clone(), key: key.to_owned(), kind });
    }

    /// Notes where a value comes from.
    pub(crate) fn origin(&mut self, key: &str, value: String, source: &Source) {
        self.origins.push(Origin { key: key.to_owned(), value, source: source.clone() });
    }
}

/// A group of keys being read.
pub(crate) struct Fields<'r> {
    path: String,
    source: Source,
    /// Whether this is no group at all: then nothing in it is missing.
    broken: bool,
    left: Vec<Entry>,
    known: Vec<&'static str>,
    pub(crate) report: &'r mut Report,
}

/// A value with its place.
pub(crate) struct Read<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

impl<'r> Fields<'r> {
    /// Begins to read a node that should be a group of keys.
    pub(crate) fn of(node: Node, path: &str, report: &'r mut Report) -> Self {
        let broken = !matches!(node.value, Value::Map(_) | Value::Null);
        let left = match node.value {
            Value::Map(entries) => entries,
            // An empty group says nothing, as an absent one.
            Value::Null => Vec::new(),
            _ => {
                let found = node.found();
                let key = if path.is_empty() { "the file" } else { path };
                let kind = Wrong::Type { expected: "a group of keys".to_owned(), found };
                report.wrong(&node.source, key, kind);
                Vec::new()
            }
        };
        Self { path: path.to_owned(), source: node.source, broken, left, known: Vec::new(), report }
    }

    /// Where the group stands.
    pub(crate) const fn source(&self) -> &Source {
        &self.source
    }

    /// The whole name of a key of this group.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Takes a key's node out.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let at = self.left.iter().position(|entry| entry.is(key))?;
        Some(self.left.remove(at).node)
    }

    /// A value, or `default` where there is none or none that fits.
    pub(crate) fn get<T: Show>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Read<T> {
        let path = self.key(key);
        let read = match self.take(key) {
            None => Read { value: default, source: Source::Default },
            Some(node) => match read(&node) {
                Ok(value) => Read { value, source: node.source },
                Err(wrong) => {
                    self.report.wrong(&node.source, &path, wrong);
                    Read { value: default, source: node.source }
                }
            },
        };
        self.report.origin(&path, read.value.show(), &read.source);
        read
    }

    /// A value that need not be there.
    pub(crate) fn optional<T: Show>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.get(key, None, |node| read(node).map(Some)).value
    }

    /// A list, or `default` where there is none. Each item is reported at its own place.
    pub(crate) fn list<T: Show>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        read: impl Fn(&Node) -> Result<T, Wrong>,
    ) -> Read<Vec<T>> {
        let list = self.items(key, read);
        let list = list.unwrap_or(Read { value: default, source: Source::Default });
        let path = self.key(key);
        self.report.origin(&path, list.value.show(), &list.source);
        list
    }

    /// A list whose absence means something else than its emptiness.
    pub(crate) fn optional_list<T: Show>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Node) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let list = self.items(key, read);
        let source = list.as_ref().map_or(Source::Default, |list| list.source.clone());
        let list = list.map(|list| list.value);
        let path = self.key(key);
        self.report.origin(&path, list.show(), &source);
        list
    }

    fn items<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Node) -> Result<T, Wrong>,
    ) -> Option<Read<Vec<T>>> {
        let path = self.key(key);
        let node = self.take(key)?;
        let items = match crate::value::items(&node) {
            Ok(items) => items,
            Err(wrong) => {
                self.report.wrong(&node.source, &path, wrong);
                Vec::new()
            }
        };
        let mut value = Vec::with_capacity(items.len());
        for item in &items {
            match read(item) {
                Ok(item) => value.push(item),
                Err(wrong) => self.report.wrong(&item.source, &path, wrong),
            }
        }
        Some(Read { value, source: node.source })
    }

    /// A value that has to be there; the default of its type stands in for it in a report.
    pub(crate) fn required<T: Show + Default>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Read<T> {
        let missing = !self.left.iter().any(|entry| entry.is(key));
        if missing && !self.broken {
            let path = self.key(key);
            self.report.wrong(&self.source, &path, Wrong::Missing);
        }
        self.get(key, T::default(), read)
    }

    /// A group of keys within this one.
    pub(crate) fn section(&mut self, key: &'static str) -> Fields<'_> {
        let node = self.take(key).unwrap_or_else(|| Node::empty(self.source.clone()));
        let path = self.key(key);
        Fields::of(node, &path, self.report)
    }

    /// Every key of a group whose names are the user's own, and the report.
    pub(crate) fn rest(self) -> (Vec<Entry>, &'r mut Report) {
        (self.left, self.report)
    }

    /// Reports every key that nothing asked for.
    pub(crate) fn finish(self) {
        for entry in self.left {
            let path = if self.path.is_empty() {
                entry.key.clone()
            } else {
                format!("{}.{}", self.path, entry.key)
            };
            let advice = match nearest(&entry.key, self.known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => crate::keys::other_file(&path, &self.known)
                    .unwrap_or_else(|| known_words(self.known.iter().copied())),
            };
            let kind = Wrong::Unknown { what: "key", name: entry.key, advice };
            self.report.problems.push(Problem { source: entry.source, key: path, kind });
        }
    }
}
