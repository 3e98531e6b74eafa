//! What a worker says: one JSON document on its standard output.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How far a script has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It waits for these calls.
    Calls(Vec<Wanted>),
    /// It has ended.
    Ended(Ended),
}

/// A call that a script waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// The tool's name.
    pub tool: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// How a script has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The value of its last expression, where it came to its end.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// Why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Mistake>,
    /// What it printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// What stopped a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// What is wrong, as the language says it.
    pub message: String,
    /// The line of the script, from 1, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Mistake {
    /// A mistake of no line.
    pub(crate) fn of(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: None }
    }
}
