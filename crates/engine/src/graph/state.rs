//! The state of a graph's run: keys with values, and how a write is brought together with what is
//! there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use largestack_types::label::Label;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// How a write to a key is brought together with what stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reducer {
    /// The new value stands in the place of the old one.
    #[default]
    Replace,
    /// The new value is one more element of a list.
    Append,
    /// The elements of the new list come behind those of the old one.
    Extend,
    /// Numbers are added up.
    Add,
    /// Fields of the new object stand beside those of the old one, or in their place.
    Merge,
    /// A function of the author's.
    Custom(Arc<str>),
}

/// A reducer of the author's: what stands there, what is written. Pure: the same for the same.
pub type Reduce = dyn Fn(&Value, &Value) -> Result<Value, String> + Send + Sync;

/// The author's reducers, by name.
#[derive(Clone, Default)]
pub struct Reducers(BTreeMap<Arc<str>, Arc<Reduce>>);

impl Reducers {
    /// With one more.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<Arc<str>>,
        reduce: impl Fn(&Value, &Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        self.0.insert(name.into(), Arc::new(reduce));
        self
    }

    /// Whether there is one of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What stands under a key after a write; the reason where they do not fit together.
    pub(super) fn reduce(
        &self,
        reducer: &Reducer,
        (old, new): (Option<&Value>, Value),
    ) -> Result<Value, String> {
        let unfit = |wanted: &str| Err(format!("{wanted} is wanted, and this is {}", kind(&new)));
        match reducer {
            Reducer::Replace => Ok(new),
            Reducer::Append => {
                let mut list = list_of(old)?;
                list.push(new);
                Ok(Value::Array(list))
            }
            Reducer::Extend => match new {
                Value::Array(more) => {
                    let mut list = list_of(old)?;
                    list.extend(more);
                    Ok(Value::Array(list))
                }
                _ => unfit("a list"),
            },
            Reducer::Add => match (old, &new) {
                (None | Some(Value::Null), Value::Number(_)) => Ok(new),
                (Some(Value::Number(old)), Value::Number(more)) => {
                    sum(old, more).map(Value::Number)
                }
                _ => unfit("a number"),
            },
            Reducer::Merge => match (old, new) {
                (None | Some(Value::Null), new @ Value::Object(_)) => Ok(new),
                (Some(Value::Object(old)), Value::Object(more)) => {
                    let both: Map<_, _> = old.clone().into_iter().chain(more).collect();
                    Ok(Value::Object(both))
                }
                (_, new) => Err(format!("an object is wanted, and this is {}", kind(&new))),
            },
            Reducer::Custom(name) => match self.0.get(name) {
                Some(reduce) => reduce(old.unwrap_or(&Value::Null), &new),
                None => Err(format!("there is no reducer `{name}`")),
            },
        }
    }
}

impl fmt::Debug for Reducers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn list_of(old: Option<&Value>) -> Result<Vec<Value>, String> {
    match old {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list.clone()),
        Some(other) => Err(format!("what stands there is no list but {}", kind(other))),
    }
}

/// Whole numbers stay whole; a sum out of their range is refused.
fn sum(one: &Number, other: &Number) -> Result<Number, String> {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        let sum = one.checked_add(other).map(Number::from);
        return sum.ok_or_else(|| "the sum is out of range".to_owned());
    }
    let sum = one.as_f64().zip(other.as_f64()).and_then(|(a, b)| Number::from_f64(a + b));
    sum.ok_or_else(|| "the sum is out of range".to_owned())
}

/// What a value is, for errors.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What a run knows at some moment.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub(super) values: BTreeMap<Arc<str>, Value>,
    /// The join of the labels of everything in it.
    pub(super) label: Label,
}

impl State {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Everything, as one object.
    pub fn to_value(&self) -> Value {
        let fields = self.values.iter().map(|(key, value)| (key.to_string(), value.clone()));
        Value::Object(fields.collect())
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.values.iter()
    }

    /// Where everything in it came from.
    pub const fn label(&self) -> Label {
        self.label
    }
}
