//! What a file, the environment or flags say, before anything is known of its meaning: a tree
//! whose every node knows where it stands.

use crate::origin::Source;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) source: Source,
}

/// What stands there.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A single word or text, kept as it is written: money must not pass through a float.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    /// As it is written, where variables have been filled in.
    pub(crate) written: Option<String>,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Text without quotes.
    Plain,
    /// Text in quotes or a block.
    Quoted,
    /// Text of a variable or a flag, which has no types.
    Untyped,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) source: Source,
    pub(crate) node: Node,
}

impl Entry {
    /// Whether this is the key: in variables `_` also stands for `-`.
    pub(crate) fn is(&self, key: &str) -> bool {
        same_key(&self.key, &self.source, key)
    }
}

fn same_key(written: &str, source: &Source, key: &str) -> bool {
    let loose = matches!(source, Source::Environment(_));
    written.len() == key.len()
        && written
            .bytes()
            .zip(key.bytes())
            .all(|(w, k)| w == k || (loose && w == b'_' && k == b'-'))
}

impl Node {
    /// A map with nothing in it.
    pub(crate) const fn empty(source: Source) -> Self {
        Self { value: Value::Map(Vec::new()), source }
    }

    /// Text of a variable or a flag.
    pub(crate) fn untyped(text: impl Into<String>, source: Source) -> Self {
        let scalar = Scalar { text: text.into(), kind: Kind::Untyped, written: None };
        Self { value: Value::Scalar(scalar), source }
    }

    /// Whether it is a text in which variables have been filled in.
    pub(crate) const fn is_filled(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { written: Some(_), .. }))
    }

    /// What it is, for an error message.
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a group of keys".to_owned(),
            Value::Scalar(scalar) => {
                let shown: String = scalar.text.chars().take(40).collect();
                let dots = if shown.len() < scalar.text.len() { ".." } else { "" };
                match scalar.kind {
                    Kind::Bool => format!("`{shown}`"),
                    Kind::Number => format!("the number `{shown}{dots}`"),
                    _ => format!("`{shown}{dots}`"),
                }
            }
        }
    }

    /// Puts `upper` over this: maps key by key, everything else as a whole.
    pub(crate) fn overlaid(self, upper: Self) -> Self {
        match (self.value, upper.value) {
            (Value::Map(mut lower), Value::Map(upper_entries)) => {
                for entry in upper_entries {
                    match lower.iter_mut().find(|below| entry.is(&below.key)) {
                        Some(below) => {
                            let under = std::mem::replace(
                                &mut below.node,
                                Self { value: Value::Null, source: Source::Default },
                            );
                            below.node = under.overlaid(entry.node);
                            below.source = entry.source;
                        }
                        None => lower.push(entry),
                    }
                }
                Self { value: Value::Map(lower), source: self.source }
            }
            // A group cannot refine what is none: it stays, and its reader says so.
            (value @ (Value::Scalar(_) | Value::List(_)), Value::Map(_)) => {
                Self { value, source: self.source }
            }
            (_, value) => Self { value, source: upper.source },
        }
    }

    /// Puts a value at a path, making the maps on the way.
    pub(crate) fn insert(&mut self, path: &[&str], node: Self) {
        let Some((first, rest)) = path.split_first() else {
            *self = node;
            return;
        };
        if !matches!(self.value, Value::Map(_)) {
            self.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut self.value else { return };
        let source = node.source.clone();
        let at = entries.iter().position(|entry| entry.key == *first).unwrap_or_else(|| {
            let node = Self::empty(source.clone());
            entries.push(Entry { key: (*first).to_owned(), source, node });
            entries.len() - 1
        });
        if let Some(entry) = entries.get_mut(at) {
            entry.node.insert(rest, node);
        }
    }
}
