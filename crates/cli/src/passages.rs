//! `search_knowledge` with the number of passages that the agent's file asks for: what a model
//! gets when it names no number of its own.

use largestack_knowledge::SearchKnowledge;
use largestack_ports::BoxFuture;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::tool::ToolSpec;
use serde_json::{Map, Value};

/// The tool with a number of its own.
pub(crate) struct Passages {
    search: SearchKnowledge,
    spec: ToolSpec,
    top_k: u32,
}

impl Passages {
    /// The tool that returns this many passages; refused where a search cannot return so many.
    pub(crate) fn new(search: SearchKnowledge, top_k: u32) -> Result<Self> {
        let mut spec = search.spec().clone();
        let unreadable = |error: serde_json::Error| {
            LargestackError::other(Code::Unknown, format!("the schema of {}: {error}", spec.name))
        };
        let mut schema: Value = spec.parameters.to().map_err(unreadable)?;
        if let Some(limit) = schema.pointer_mut("/properties/limit") {
            if let Some(most) = limit["maximum"].as_u64().filter(|most| u64::from(top_k) > *most) {
                return Err(LargestackError::with_advice(
                    Code::Config,
                    format!("`knowledge.top_k` is {top_k}, and a search returns at most {most}"),
                    format!("Set it to {most} or less"),
                ));
            }
            limit["description"] =
                format!("How many passages to return; {top_k} if absent.").into();
        }
        spec.parameters = Json::of(&schema).map_err(unreadable)?;
        Ok(Self { search, spec, top_k })
    }

    /// The arguments with our number where the model gave none.
    fn filled(&self, arguments: Json) -> Json {
        let Ok(mut object) = arguments.to::<Map<String, Value>>() else { return arguments };
        if object.get("limit").is_none_or(Value::is_null) {
            object.insert("limit".to_owned(), self.top_k.into());
        }
        Json::of(&object).unwrap_or(arguments)
    }
}

impl Tool for Passages {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.search.options()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        self.search.call(context, self.filled(arguments))
    }
}
