//! Tools that are described while the program runs: a name, a schema and a function over JSON.

use std::fmt;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::tool::{
    Capability, Tool, ToolContext, ToolFailure, ToolFor, ToolOptions, ToolOutput,
};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::tool::ToolSpec;

type Run =
    dyn Fn(ToolContext, Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> + Send + Sync;

/// A tool made of values. Cheap to clone.
///
/// ```
/// use largestack_ports::tool::{Tool as _, ToolOutput};
/// use largestack_tools::DynamicTool;
/// use largestack_types::json::Json;
///
/// let schema = Json::parse(r#"{"type": "object", "properties": {"sku": {"type": "string"}}}"#)?;
/// let stock = DynamicTool::new("stock", "How many are left.", schema, |_, _| async {
///     Ok(ToolOutput::text("12"))
/// });
/// assert!(!stock.spec().idempotent);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct DynamicTool {
    spec: ToolSpec,
    options: ToolOptions,
    run: Arc<Run>,
}

impl DynamicTool {
    /// A tool with a JSON Schema (2020-12) of its arguments, an object. It is not taken for
    /// idempotent, nor for one that may do anything.
    pub fn new<F>(
        name: impl Into<Arc<str>>,
        description: impl Into<Arc<str>>,
        parameters: Json,
        run: impl Fn(ToolContext, Json) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<ToolOutput, ToolFailure>> + Send + 'static,
    {
        let spec = ToolSpec {
            name: name.into(),
            description: description.into(),
            parameters,
            idempotent: false,
            origin: Origin::Tool,
            native: None,
            server: false,
        };
        let run = move |context, arguments| Box::pin(run(context, arguments)) as BoxFuture<'_, _>;
        Self { spec, options: ToolOptions::default(), run: Arc::new(run) }
    }

    /// Says that running it twice with one key has the effect of running it once.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.spec.idempotent = idempotent;
        self
    }

    /// Where its results come from.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.spec.origin = origin;
        self
    }

    /// What it does to the world.
    #[must_use]
    pub fn capabilities(mut self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        self.options.access.capabilities = capabilities.into_iter().collect();
        self
    }

    /// The same run in another way: with another timeout, say, or an approval.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut ToolOptions)) -> Self {
        change(&mut self.options);
        self
    }
}

impl Tool for DynamicTool {
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

impl<Deps> ToolFor<Deps> for DynamicTool {}

impl fmt::Debug for DynamicTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicTool").field("name", &self.spec.name).finish_non_exhaustive()
    }
}
