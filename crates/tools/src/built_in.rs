//! What built-in tools have in common: a description, options, and a function over typed
//! arguments.

use std::fmt;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::tool::{
    Access, Capability, Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput,
};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::tool::ToolSpec;
use serde::de::DeserializeOwned;

type Run =
    dyn Fn(ToolContext, Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> + Send + Sync;

/// A built-in tool.
#[derive(Clone)]
pub struct BuiltIn {
    spec: ToolSpec,
    options: ToolOptions,
    run: Arc<Run>,
}

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

impl BuiltIn {
    pub(crate) fn new<A, F>(
        about: About,
        run: impl Fn(ToolContext, A) -> F + Send + Sync + 'static,
    ) -> Self
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
        let spec = ToolSpec {
            name: about.name.into(),
            description: about.description.into(),
            parameters: Json::of(&parameters).unwrap_or_else(|_| Json::empty_object()),
            idempotent: about.idempotent,
            origin: about.origin,
            native: None,
            server: false,
        };
        let access = Access {
            capabilities: about.capabilities.iter().copied().collect(),
            ..Access::default()
        };
        let run = move |context: ToolContext, arguments: Json| match arguments.to::<A>() {
            Ok(arguments) => Box::pin(run(context, arguments)) as BoxFuture<'static, _>,
            Err(error) => {
                let failure = ToolFailure::new(format!("the arguments do not fit: {error}"));
                Box::pin(std::future::ready(Err(failure)))
            }
        };
        Self { spec, options: ToolOptions { access, ..ToolOptions::default() }, run: Arc::new(run) }
    }

    /// The same run in another way: with another timeout, say, or an approval.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut ToolOptions)) -> Self {
        change(&mut self.options);
        self
    }
}

impl Tool for BuiltIn {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.options.clone()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        (self.run)(context, arguments)
    }
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltIn").field("name", &self.spec.name).finish_non_exhaustive()
    }
}
