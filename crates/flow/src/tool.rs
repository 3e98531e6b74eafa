//! Tools as nodes: what a model would say to one the graph says, so that a tool is called without
//! anybody being asked. What holds for an agent's tools and is no matter of a model holds here, too:
//! the schema, the operator's rules for arguments, which values are given in clear.

use std::sync::Arc;

use largestack_agent::tools::returned_from;
use largestack_ports::context::SoFar;
use largestack_ports::spending::Spending;
use largestack_ports::tool::{ApprovalRule, Tool, ToolContext, ToolFailure, ToolOptions};
use largestack_ports::tree::RunTree;
use largestack_schema::Schema;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::label::Label;
use largestack_types::scope::TenantId;
use serde_json::Value;

use crate::function::{Function, NodeContext, NodeOutput};

/// Problems of arguments that are said at once.
const MOST_PROBLEMS: usize = 8;

/// A tool that nodes call, with how it is run.
#[derive(Clone)]
pub struct NodeTool {
    pub(crate) tool: Arc<dyn Tool>,
    pub(crate) options: ToolOptions,
}

impl NodeTool {
    /// A tool, run as its author says.
    pub fn new(tool: impl Tool) -> Self {
        let options = tool.options();
        Self { tool: Arc::new(tool), options }
    }

    /// The same, run in another way. Of the options those count that are no matter of an agent: the
    /// time limit (where the node has none), approval, arguments, and which values are given in clear.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut ToolOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.tool.spec().name
    }

    /// What is wrong with arguments before any value is known: those that are missing, and those
    /// that it does not take.
    pub(crate) fn unfit(&self, arguments: &Value) -> Option<String> {
        let spec = self.tool.spec();
        let said = arguments.as_object()?;
        let schema: Value = spec.parameters.to().ok()?;
        let listed = |key: &str| schema.get(key).and_then(Value::as_array).cloned();
        let needed = listed("required").unwrap_or_default();
        let mut needed = needed.iter().filter_map(Value::as_str);
        if let Some(missing) = needed.find(|key| !said.contains_key(*key)) {
            return Some(format!("`{}` needs `{missing}`, and nobody says it", spec.name));
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let open = schema.get("additionalProperties") != Some(&Value::Bool(false));
        let is_known = |key: &str| open || known.is_some_and(|known| known.contains_key(key));
        let other = said.keys().find(|key| !is_known(key))?;
        let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| &**key).collect();
        Some(format!("`{}` takes no `{other}` (it takes {})", spec.name, known.join(", ")))
    }

    /// Why a person has to agree first, where one has to.
    pub(crate) fn approval(&self) -> Option<Arc<str>> {
        let name = &self.tool.spec().name;
        (self.options.access.approval == ApprovalRule::Required)
            .then(|| format!("the tool `{name}` is called").into())
    }

    /// The function that calls it with what its node says.
    pub(crate) fn function(&self) -> Result<Function> {
        let spec = self.tool.spec();
        let access = &self.options.access;
        let name = &spec.name;
        let schema = compiled(&spec.parameters, &format_args!("the schema of tool `{name}`"))?;
        let rules = access.arguments.iter().map(|rule| {
            let what = format_args!("a rule for arguments of tool `{name}`").to_string();
            Ok((rule.tenant.clone(), compiled(&rule.schema, &what)?))
        });
        let rules = rules.collect::<Result<Vec<_>>>()?;
        let origin = returned_from(access, spec.origin);
        let own = Label { classes: access.classes, ..Label::from_origin(origin) };
        let (tool, called) = (Arc::clone(&self.tool), Arc::new(Called { schema, rules, own }));
        let function = Function::new(move |context| {
            let (tool, called) = (Arc::clone(&tool), Arc::clone(&called));
            async move { called.call(&*tool, context).await }
        });
        let function = function.revealing(access.reveals);
        Ok(if spec.idempotent { function } else { function.with_side_effects() })
    }
}

impl std::fmt::Debug for NodeTool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeTool").field("name", &self.tool.spec().name).finish_non_exhaustive()
    }
}

fn compiled(schema: &Json, what: &impl std::fmt::Display) -> Result<Schema> {
    let unusable =
        |why: String| LargestackError::other(Code::Config, format!("{what} is not usable: {why}"));
    let schema: Value = schema.to().map_err(|error| unusable(error.to_string()))?;
    Schema::compile(&schema).map_err(unusable)
}

/// What a call of a tool is held against.
struct Called {
    schema: Schema,
    rules: Vec<(Option<TenantId>, Schema)>,
    /// What its results are labelled with.
    own: Label,
}

impl Called {
    async fn call(
        &self,
        tool: &dyn Tool,
        context: NodeContext,
    ) -> std::result::Result<NodeOutput, ToolFailure> {
        let none = || Value::Object(serde_json::Map::new());
        let arguments = context.arguments.clone().or_else(|| context.item.clone());
        let arguments = arguments.filter(|said| !said.is_null()).unwrap_or_else(none);
        self.check(&arguments, context.scope.tenant())?;
        let unreadable =
            |error: serde_json::Error| ToolFailure::new(format!("no JSON arguments: {error}"));
        let arguments = Json::of(&arguments).map_err(unreadable)?;
        let context = ToolContext {
            run: context.run,
            effect: context.effect,
            idempotency_key: context.idempotency_key,
            attempt: context.attempt,
            label: context.label,
            deps: context.deps,
            so_far: SoFar::default(),
            spending: Spending::default(),
            tree: RunTree::alone(context.run),
            cancelled: context.cancelled,
            scope: context.scope,
        };
        let output = tool.call(context, arguments).await?;
        if output.waits.is_some() {
            let text = "a tool that a node calls cannot wait: a node of the kind `event` waits for an \
                        event from outside, and one of the kind `sleep` for a moment";
            return Err(harmless(text.to_owned()));
        }
        let label = output.label.map_or(self.own, |said| self.own.join(said));
        // What reads as a list or an object is one: its fields have places in the state.
        let value = match serde_json::from_str(&output.text) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
            _ => Value::String(output.text),
        };
        Ok(NodeOutput { label: Some(label), ..NodeOutput::from(value) })
    }

    /// Holds arguments against the tool's schema and the operator's rules, before anything happens.
    fn check(&self, arguments: &Value, tenant: &TenantId) -> std::result::Result<(), ToolFailure> {
        let said = |schema: &Schema| {
            let problems = schema.problems(arguments, MOST_PROBLEMS).into_iter();
            let line = |problem: largestack_schema::Problem| match &*problem.place {
                "" => problem.masked,
                place => format!("{place}: {}", problem.masked),
            };
            problems.map(line).collect::<Vec<_>>().join("; ")
        };
        let problems = said(&self.schema);
        if !problems.is_empty() {
            let text = format!("the arguments do not fit the tool's schema: {problems}");
            return Err(harmless(text));
        }
        let applies = |only: &Option<TenantId>| only.as_ref().is_none_or(|only| only == tenant);
        for (_, rule) in self.rules.iter().filter(|(only, _)| applies(only)) {
            let problems = said(rule);
            if !problems.is_empty() {
                let text = format!("the tool may not be called with these arguments: {problems}");
                return Err(harmless(text));
            }
        }
        Ok(())
    }
}

/// A failure before anything happened that another try does not mend.
fn harmless(message: String) -> ToolFailure {
    ToolFailure { nothing_happened: true, ..ToolFailure::new(message) }
}
