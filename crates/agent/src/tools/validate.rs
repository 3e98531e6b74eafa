//! Arguments against schemas: compiled once, every problem reported at once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use foldhash::quality::RandomState;
use largestack_schema::Schema;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;

use super::{Entry, Registry};

/// Problems shown to the model at once.
const MOST_PROBLEMS: usize = 8;

/// The compiled schemas of an agent's tools.
pub struct Validators(HashMap<Arc<str>, Schema, RandomState>);

impl Validators {
    /// Compiles every tool's schema; one that is not a schema is a mistake of configuration.
    pub fn compile(registry: &Registry) -> Result<Self> {
        let compile = |entry: &Entry| {
            let spec = entry.tool.spec();
            let validator = compiled(&spec.parameters).map_err(|why| {
                let detail = format!("the schema of tool `{}` is not usable: {why}", spec.name);
                LargestackError::other(Code::Config, detail)
            })?;
            Ok((Arc::clone(&spec.name), validator))
        };
        registry.iter().map(compile).collect::<Result<_>>().map(Self)
    }

    /// Checks arguments; the error is what the model reads.
    pub fn check(&self, tool: &str, arguments: &Json) -> Result<(), String> {
        let value: serde_json::Value = arguments.to().map_err(|error| error.to_string())?;
        if !value.is_object() {
            return Err("The arguments must be a JSON object.".to_owned());
        }
        let Some(validator) = self.0.get(tool) else { return Ok(()) };
        match problems(validator, &value) {
            None => Ok(()),
            Some(problems) => Err(format!(
                "The arguments do not fit the tool's schema:{problems}\n\
                 Correct them and call the tool again."
            )),
        }
    }
}

/// A schema ready to be held against values; why it is none.
pub(super) fn compiled(schema: &Json) -> Result<Schema, String> {
    let schema: serde_json::Value = schema.to().map_err(|error| error.to_string())?;
    Schema::compile(&schema)
}

/// What does not fit, a line each; `None` when everything does.
pub(super) fn problems(schema: &Schema, value: &serde_json::Value) -> Option<String> {
    let mut text = String::new();
    for problem in schema.problems(value, MOST_PROBLEMS) {
        let place = if problem.place.is_empty() { "arguments" } else { &problem.place };
        // Writing to a string cannot fail.
        let _ = write!(text, "\n- {place}: {}", problem.message);
    }
    (!text.is_empty()).then_some(text)
}
