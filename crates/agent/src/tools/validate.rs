//! Arguments against schemas: compiled once, every problem reported at once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jsonschema::Validator;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;

use super::Registry;

/// Problems shown to the model at once.
const MOST_PROBLEMS: usize = 8;

/// The compiled schemas of an agent's tools.
pub struct Validators(HashMap<Arc<str>, Validator>);

impl Validators {
    /// Compiles every tool's schema; one that is not a schema is a mistake of configuration.
    pub fn compile(registry: &Registry) -> Result<Self> {
        let compile = |tool: &Arc<dyn largestack_ports::tool::Tool>| {
            let spec = tool.spec();
            let wrong = |why: String| {
                let detail = format!("the schema of tool `{}` is not usable: {why}", spec.name);
                LargestackError::other(Code::Config, detail)
            };
            let schema: serde_json::Value =
                spec.parameters.to().map_err(|error| wrong(error.to_string()))?;
            let validator =
                jsonschema::validator_for(&schema).map_err(|error| wrong(error.to_string()))?;
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
        if validator.is_valid(&value) {
            return Ok(());
        }
        let mut text = "The arguments do not fit the tool's schema:".to_owned();
        for error in validator.iter_errors(&value).take(MOST_PROBLEMS) {
            let path = error.instance_path().to_string();
            let place = if path.is_empty() { "arguments" } else { &path };
            // Writing to a string cannot fail.
            let _ = write!(text, "\n- {place}: {error}");
        }
        text.push_str("\nCorrect them and call the tool again.");
        Err(text)
    }
}
