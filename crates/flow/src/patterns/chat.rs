//! Actions for models that have no tools: which one, and with what, is an answer that fits a schema.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_engine::graph::{GraphLimits, Join, Reducer, Writes};
use largestack_types::errors::{Code, LargestackError, Result};
use serde_json::{Value, json};

use super::{object, one_of, text, typed};
use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::tool::NodeTool;
use crate::workflow::Workflow;

/// What a model says that is done.
const FINISH: &str = "finish";

/// Something that a model may have done.
#[derive(Debug)]
pub struct Action {
    name: Arc<str>,
    about: Arc<str>,
    arguments: Value,
    function: Function,
}

impl Action {
    /// An action: its name, what the model is told of it, the JSON Schema of its arguments and the
    /// function, which is given them as `item`.
    pub fn new(
        name: impl Into<Arc<str>>,
        about: impl Into<Arc<str>>,
        arguments: Value,
        function: Function,
    ) -> Self {
        Self { name: name.into(), about: about.into(), arguments, function }
    }

    /// A tool as an action: its name, description and schema, held against what the model says. One
    /// that a person has to agree to is refused: nobody is asked between the steps.
    pub fn by(tool: &NodeTool) -> Result<Self> {
        let spec = tool.tool.spec();
        if tool.approval().is_some() {
            let detail = format!("`{}` needs a person's agreement, and is no action", spec.name);
            return Err(LargestackError::other(Code::Config, detail));
        }
        let arguments = spec.parameters.to().map_err(|error| {
            let detail = format!("the schema of tool `{}` is not usable: {error}", spec.name);
            LargestackError::other(Code::Config, detail)
        })?;
        let (name, about) = (Arc::clone(&spec.name), Arc::clone(&spec.description));
        Ok(Self { name, about, arguments, function: tool.function()? })
    }
}

/// An agent without tools that works on the `task` by actions: each of its answers is one action with
/// arguments that fit the schema of that action, or the end with the answer. What is malformed goes
/// back to the model with what does not fit, as often as its builder allows; what an action comes to,
/// a failure among it, is told in the next step. After `steps` of them the run is `incomplete`.
pub fn structured_chat(
    name: impl Into<Arc<str>>,
    agent: AgentBuilder,
    actions: Vec<Action>,
    (steps, runtime): (u32, &Runtime),
) -> Result<WorkflowBuilder> {
    if let Some(taken) = actions.iter().find(|a| [FINISH, "step", "answer"].contains(&&*a.name)) {
        let detail = format!("no action can be called `{}` here", taken.name);
        return Err(LargestackError::other(Code::Config, detail));
    }
    let mut prompt = format!("{{{{ task }}}}\n\nTake one action, or `{FINISH}` with the answer:\n");
    for action in &actions {
        // Writing to a string cannot fail.
        let _ = write!(prompt, "\n- {}: {} ({})", action.name, action.about, action.arguments);
    }
    prompt += "\n\nWhat your actions have come to so far:\n{{ seen }}";
    let agent = typed(agent, "step", &schema(&actions), runtime)?;
    let words: Vec<Arc<str>> =
        actions.iter().map(|action| Arc::clone(&action.name)).chain([FINISH.into()]).collect();
    let mut builder = Workflow::builder(name)
        .input("task")
        .channel("seen", Reducer::Append)
        .agent_with("step", &agent, prompt, |node| {
            node.choosing(words).with(|node| {
                node.choose = Some("/act/action".into());
                node.join = Join::Any;
            })
        })
        .start("step");
    for action in actions {
        let name = action.name;
        builder = builder
            .function_with(Arc::clone(&name), told(&name, &action.function), |node| {
                node.with(|node| node.writes = Writes::Key("seen".into()))
            })
            .when("step", Arc::clone(&name), Arc::clone(&name))
            .then(name, "step");
    }
    let answer = Function::new(|context| {
        let answer = context.state.pointer("/step/act/answer").cloned().unwrap_or_default();
        async move { Ok(NodeOutput::from(answer)) }
    });
    let limits = GraphLimits { max_visits: steps, ..GraphLimits::default() };
    Ok(builder
        .function("answer", answer)
        .when("step", FINISH, "answer")
        .limits(limits)
        .answer("answer"))
}

/// One of the actions, each with its own arguments; or the end.
fn schema(actions: &[Action]) -> Value {
    let act = |action: &Action| {
        let mut act =
            object(&[("action", one_of([&*action.name])), ("arguments", action.arguments.clone())]);
        if let Some(fields) = act.as_object_mut() {
            fields.insert("description".to_owned(), json!(&*action.about));
        }
        act
    };
    let finish = object(&[("action", one_of([FINISH])), ("answer", text("The answer."))]);
    let acts: Vec<Value> = actions.iter().map(act).chain([finish]).collect();
    object(&[("thought", text("What is to be found out next.")), ("act", json!({ "anyOf": acts }))])
}

/// The function with its arguments as `item`; a failure is something that the model is told.
fn told(name: &Arc<str>, function: &Function) -> Function {
    let (name, body) = (Arc::clone(name), Arc::clone(&function.body));
    let told = Function::new(move |mut context| {
        let arguments = context.state.pointer("/step/act/arguments").cloned();
        context.item.clone_from(&arguments);
        let (name, called) = (Arc::clone(&name), body(context));
        async move {
            let mut seen = json!({ "action": &*name, "arguments": arguments });
            let (key, came) = match called.await {
                Ok(output) => ("came_to", output.value),
                Err(failure) => ("failed", json!(failure.message)),
            };
            if let Some(fields) = seen.as_object_mut() {
                fields.insert(key.to_owned(), came);
            }
            Ok(NodeOutput::from(seen))
        }
    });
    Function { body: told.body, ..function.clone() }
}
