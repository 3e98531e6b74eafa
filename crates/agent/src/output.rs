//! Structured answers, the acting half: what an agent asks for, whether an answer fits, and what
//! the model is told when it does not.

use std::any::Any;
use std::sync::Arc;

use largestack_engine::OutputRule;
use largestack_engine::output::rooted;
use largestack_ports::context::SoFar;
use largestack_schema::{Problem, Schema};
use largestack_types::call::{OutputMode, OutputSchema};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use serde_json::Value;

/// Problems that the model is told at once.
const MOST_PROBLEMS: usize = 8;
/// How often an answer that does not fit is sent back when nobody says.
pub const DEFAULT_RETRIES: u32 = 1;

/// The shape of an agent's answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    name: Arc<str>,
    schema: Json,
    mode: OutputMode,
    retries: u32,
}

impl Output {
    /// Answers that fit this JSON Schema (2020-12), whatever is at its root.
    pub fn of(schema: Json) -> Self {
        Self { name: "answer".into(), schema, mode: OutputMode::Auto, retries: DEFAULT_RETRIES }
    }

    /// What the shape is called before the model: letters, digits, `_` and `-`.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How the model is brought to it; by default as fits it best.
    #[must_use]
    pub fn mode(mut self, mode: OutputMode) -> Self {
        self.mode = mode;
        self
    }

    /// How often an answer that does not fit is sent back, within the run's limits.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// What the definition says of it: the schema as models are told it, the mode, and the rule.
    pub(crate) fn resolved(self) -> (OutputSchema, OutputMode, OutputRule) {
        let (schema, wrapped) = rooted(&self.schema);
        let rule = OutputRule { retries: self.retries, wrapped };
        (OutputSchema { name: self.name, schema }, self.mode, rule)
    }
}

/// What is known of an answer that fits the schema, for stages that look further.
#[derive(Clone)]
pub struct OutputTurn {
    /// The value, with the caller's own values back in place, and out of the object that it may
    /// have been put into.
    pub value: Arc<Value>,
    /// How often an answer was sent back before this one.
    pub sent_back: u32,
    /// What the run has come to.
    pub so_far: SoFar,
    /// What the caller gave the run.
    pub deps: Arc<dyn Any + Send + Sync>,
}

/// The compiled schema of an agent's answers.
pub(crate) struct Shape {
    schema: Value,
    validator: Schema,
}

impl Shape {
    /// Compiles it; one that is not a schema is a mistake of configuration.
    pub(crate) fn compile(schema: &OutputSchema) -> Result<Self> {
        let wrong = |why: String| {
            let detail = format!("the schema of the answer is not usable: {why}");
            LargestackError::other(Code::Config, detail)
        };
        let schema: Value = schema.schema.to().map_err(|error| wrong(error.to_string()))?;
        // A format that a provider is not told, or does not hold, is held here.
        let validator = Schema::with_formats(&schema).map_err(wrong)?;
        Ok(Self { schema, validator })
    }

    pub(crate) const fn schema(&self) -> &Value {
        &self.schema
    }

    /// What is wrong with a value, each with its place; values themselves are left out.
    pub(crate) fn problems(&self, value: &Value) -> Vec<String> {
        let problem = |problem: Problem| {
            let place = if problem.place.is_empty() { "the answer" } else { &problem.place };
            format!("{place}: {}", problem.masked)
        };
        self.validator.problems(value, MOST_PROBLEMS).into_iter().map(problem).collect()
    }
}

/// What the model reads when its answer does not fit.
pub(crate) fn feedback(problems: &[String]) -> String {
    let mut text = "The answer does not fit what was asked for:".to_owned();
    for problem in problems {
        text.push_str("\n- ");
        text.push_str(problem);
    }
    text.push_str("\nGive the whole answer again, corrected, as one JSON value and nothing else.");
    text
}
