//! The state of a graph's run: keys with values, and how a write is brought together with what is
//! there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use largestack_types::label::Label;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::values::Values;

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

    /// Brings a write to a key together with what stands there, in its place where nobody else holds
    /// that; the reason where they do not fit together.
    pub(super) fn reduce(
        &self,
        reducer: &Reducer,
        old: &mut Arc<Value>,
        new: Arc<Value>,
    ) -> Result<(), String> {
        match reducer {
            Reducer::Replace => *old = new,
            Reducer::Append => list_of(old)?.push(Arc::unwrap_or_clone(new)),
            Reducer::Extend => match Arc::unwrap_or_clone(new) {
                Value::Array(more) => list_of(old)?.extend(more),
                other => return Err(unfit("a list", &other)),
            },
            Reducer::Add => match (&**old, &*new) {
                (Value::Null, Value::Number(_)) => *old = new,
                (Value::Number(one), Value::Number(other)) => {
                    *old = Arc::new(Value::Number(sum(one, other)?));
                }
                (_, other) => return Err(unfit("a number", other)),
            },
            Reducer::Merge => match (&**old, &*new) {
                (Value::Null, Value::Object(_)) => *old = new,
                (Value::Object(_), Value::Object(_)) => {
                    if let (Value::Object(fields), Value::Object(more)) =
                        (Arc::make_mut(old), Arc::unwrap_or_clone(new))
                    {
                        fields.extend(more);
                    }
                }
                (_, other) => return Err(unfit("an object", other)),
            },
            Reducer::Custom(name) => match self.0.get(name) {
                Some(reduce) => *old = Arc::new(reduce(old, &new)?),
                None => return Err(format!("there is no reducer `{name}`")),
            },
        }
        Ok(())
    }
}

impl fmt::Debug for Reducers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn unfit(wanted: &str, found: &Value) -> String {
    format!("{wanted} is wanted, and this is {}", kind(found))
}

/// The list that stands there, to be made longer.
fn list_of(old: &mut Arc<Value>) -> Result<&mut Vec<Value>, String> {
    if !matches!(**old, Value::Null | Value::Array(_)) {
        return Err(format!("what stands there is no list but {}", kind(old)));
    }
    let list = Arc::make_mut(old);
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    list.as_array_mut().ok_or_else(|| "what stands there is no list".to_owned())
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

/// What a run knows at some moment. Cheap to copy.
#[derive(Clone, Debug)]
pub struct State {
    values: Values,
    /// The join of the labels of everything in it.
    pub(super) label: Label,
    /// Everything as one object, once somebody has asked for it.
    whole: OnceLock<Arc<Value>>,
}

impl State {
    /// A state in which nothing is known.
    pub(super) const fn new(label: Label) -> Self {
        Self { values: Values::new(), label, whole: OnceLock::new() }
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).map(|value| &**value)
    }

    /// The value under a key, shared.
    pub fn shared(&self, key: &str) -> Option<&Arc<Value>> {
        self.values.get(key)
    }

    /// Everything, as one object.
    pub fn to_value(&self) -> Value {
        Value::clone(&self.whole())
    }

    /// Everything, as one object that is made once.
    pub fn whole(&self) -> Arc<Value> {
        let made = self.whole.get_or_init(|| {
            let fields = self.iter().map(|(key, value)| (key.to_string(), value.clone()));
            Arc::new(Value::Object(fields.collect()))
        });
        Arc::clone(made)
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.values.iter().map(|(key, value)| (key, &**value))
    }

    /// Where everything in it came from.
    pub const fn label(&self) -> Label {
        self.label
    }

    /// The place of a value that is there, to change it.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Arc<Value>> {
        self.whole.take();
        self.values.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: Arc<str>, value: Arc<Value>) {
        self.whole.take();
        self.values.insert(key, value);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label && self.values == other.values
    }
}
