//! What built-in tools have in common: a description, options, and a function over typed
//! arguments.

use largestack_ports::tool::{Capability, ToolContext, ToolFailure, ToolOutput};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use serde::de::DeserializeOwned;

use crate::dynamic::DynamicTool;

/// What a tool says of itself.
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) description: String,
    /// JSON Schemas of the arguments by name, and which of them must be there.
    pub(crate) arguments: serde_json::Value,
    pub(crate) required: &'static [&'static str],
    pub(crate) idempotent: bool,
    pub(crate) origin: Origin,
    pub(crate) capabilities: &'static [Capability],
}

/// The tool that says this of itself and does that.
pub(crate) fn built_in<A, F>(
    about: About,
    run: impl Fn(ToolContext, A) -> F + Send + Sync + 'static,
) -> DynamicTool
where
    A: DeserializeOwned + Send + 'static,
    F: Future<Output = Result<ToolOutput, ToolFailure>> + Send + 'static,
{
    let parameters = serde_json::json!({
        "type": "object",
        "properties": about.arguments,
        "required": about.required,
        "additionalProperties": false,
    });
    let parameters = Json::of(&parameters).unwrap_or_else(|_| Json::empty_object());
    let run = move |context: ToolContext, arguments: Json| {
        let running = arguments.to::<A>().map(|arguments| run(context, arguments));
        async move {
            match running {
                Ok(running) => running.await,
                Err(error) => Err(ToolFailure::new(format!("the arguments do not fit: {error}"))),
            }
        }
    };
    DynamicTool::new(about.name, about.description, parameters, run)
        .idempotent(about.idempotent)
        .origin(about.origin)
        .capabilities(about.capabilities.iter().copied())
}
