//! What a worker is told: one JSON document on its standard input.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::CodeLimits;

/// What a script is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Python, the part of it that needs no library.
    Python,
    /// JavaScript (ES2023).
    Javascript,
}

impl Language {
    /// Every one, with its name.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("python", Self::Python), ("javascript", Self::Javascript)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Javascript => "javascript",
        }
    }

    /// Whether this build can perform it.
    pub const fn is_here(self) -> bool {
        match self {
            Self::Python => cfg!(feature = "python"),
            Self::Javascript => cfg!(feature = "javascript"),
        }
    }

    /// The feature of the program that brings it.
    pub const fn feature(self) -> &'static str {
        match self {
            Self::Python => "code-python",
            Self::Javascript => "code-js",
        }
    }
}

/// A script, and what its calls have returned so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What it is written in.
    pub language: Language,
    /// The script.
    pub code: String,
    /// What it may call.
    pub functions: Vec<Function>,
    /// What its calls have returned, in the groups in which they were asked for.
    pub answers: Vec<Vec<Answer>>,
    /// What it may use.
    pub limits: CodeLimits,
}

/// A function that a script may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its name in scripts.
    pub name: String,
    /// The tool's name.
    pub tool: String,
    /// The names of its parameters, in order.
    pub parameters: Vec<String>,
}

/// What a call has returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The tool that was called.
    pub tool: String,
    /// What it was called with, as it is recorded: placeholders in place of sensitive values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Map<String, Value>>,
    /// Whether it failed; then the value is the reason.
    pub failed: bool,
    /// What it returned.
    pub value: Value,
}
