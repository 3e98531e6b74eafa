//! An agent as data: what its file would say. What no file can say, code of one's own above all, is
//! refused by its name.

use largestack_types::call::{OutputMode, Settings};
use largestack_types::duration::show;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::limits::{Limits, OnLimit};
use serde_json::{Map, Value, json};

use crate::agent::{Agent, Core};
use crate::stage::{ModelTurn, Stage};
use crate::stages::help::SELF_HARM;

impl Agent {
    /// What the agent's file would say, by the keys of `agent.yaml`; loaded, it has the same
    /// definition. A [`Code::Config`] names everything that stands in the way: tools, hooks and
    /// checks are code, agents that take over are agents of their own. `beside`: what else its
    /// owner has given it that no file can say.
    pub fn described(&self, beside: Option<&str>) -> Result<Value> {
        let core = &*self.0;
        let mut unsaid = unsaid(core);
        unsaid.extend(beside.map(str::to_owned));
        let definition = &*core.definition;
        let mut file = Map::new();
        let mut say = |key: &str, value: Value| {
            if !value.is_null() {
                file.insert(key.to_owned(), value);
            }
        };
        say("name", json!(definition.agent));
        say("instructions", json!(definition.instructions));
        say("model", json!(definition.model));
        say("settings", settings(&definition.settings)?);
        say("output", output(core, &mut unsaid));
        say("budget", or_none(definition.limits.budget.map(|budget| budget.to_string())));
        say("limits", limits(&definition.limits));
        say("memory", core.memory.described());
        say("permissions", permissions(core)?);
        say("approvals", approvals(core)?);
        say(
            "guardrails",
            definition.policy.as_ref().map_or(Ok(Value::Null), |policy| {
                policy.to().map_err(|error| unwritable(&error))
            })?,
        );
        say(
            "taint",
            definition
                .taint
                .as_ref()
                .map_or(Ok(Value::Null), |taint| taint.to().map_err(|error| unwritable(&error)))?,
        );
        say("retries", json!(definition.retries));
        say("in_doubt", written(&definition.in_doubt)?);
        if definition.instructions.trim().is_empty() {
            unsaid.push("no instructions".to_owned());
        }
        if unsaid.is_empty() {
            return Ok(Value::Object(file));
        }
        let detail = format!("the agent cannot be written as data: it has {}", unsaid.join(", "));
        Err(LargestackError::with_advice(
            Code::Config,
            detail,
            "Declare tools in the agent's file, or keep the agent in Rust",
        ))
    }
}

fn unwritable(error: &serde_json::Error) -> LargestackError {
    LargestackError::other(Code::Config, format!("the agent cannot be written as data: {error}"))
}

fn written(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| unwritable(&error))
}

fn or_none(value: Option<impl Into<Value>>) -> Value {
    value.map_or_else(|| "none".into(), Into::into)
}

/// The agent's own hooks before the model: that of help is in its policy.
fn before_model(core: &Core) -> &[Box<dyn Stage<ModelTurn>>] {
    let all = core.pipeline.before_model.as_slice();
    match all {
        [first, own @ ..] if first.name() == SELF_HARM => own,
        all => all,
    }
}

/// What is code, or somebody else's.
fn unsaid(core: &Core) -> Vec<String> {
    fn named<'s, S: 'static>(
        what: &'s str,
        stages: &'s [Box<dyn Stage<S>>],
    ) -> impl Iterator<Item = String> + 's {
        stages.iter().map(move |stage| format!("{what} `{}`", stage.name()))
    }
    let pipeline = &*core.pipeline;
    let before = pipeline.before_tool.get(pipeline.own_before_tool.clone()).unwrap_or_default();
    let after = pipeline.after_tool.get(pipeline.own_after_tool.clone()).unwrap_or_default();
    let tools = core.registry.iter().map(|entry| format!("the tool `{}`", entry.tool.spec().name));
    let others = core.fallbacks.iter();
    let others = others.map(|other| format!("the agent `{}` behind it", other.definition().agent));
    let parts = [
        core.license.as_ref().map(|_| "a licence".to_owned()),
        core.memory.has_tokenizer().then(|| "a tokeniser of its own".to_owned()),
    ];
    tools
        .chain(named("the hook before the model", before_model(core)))
        .chain(named("the hook after the model", &pipeline.after_model))
        .chain(named("the hook before tools", before))
        .chain(named("the hook after tools", after))
        .chain(named("the hook on the answer", &pipeline.on_final))
        .chain(named("the hook on a failure", &pipeline.on_error))
        .chain(named("the check", &pipeline.output))
        .chain(others)
        .chain(parts.into_iter().flatten())
        .collect()
}

fn settings(settings: &Settings) -> Result<Value> {
    let plain = Settings {
        output_schema: None,
        output_mode: OutputMode::Auto,
        ..Settings::clone(settings)
    };
    let said = written(&plain)?;
    Ok(if said.as_object().is_some_and(Map::is_empty) { Value::Null } else { said })
}

fn output(core: &Core, unsaid: &mut Vec<String>) -> Value {
    let settings = &core.definition.settings;
    let (Some(schema), Some(rule)) = (&settings.output_schema, core.definition.output) else {
        return Value::Null;
    };
    if rule.wrapped {
        // What was put into an object is not taken out of it again without guessing.
        unsaid.push(format!("the answer `{}`, which is no object", schema.name));
        return Value::Null;
    }
    let mode = written(&settings.output_mode).unwrap_or_default();
    let shape: Value = schema.schema.to().unwrap_or_default();
    json!({"schema": shape, "name": schema.name, "mode": mode, "retries": rule.retries})
}

fn limits(limits: &Limits) -> Value {
    json!({
        "max_turns": limits.max_turns,
        "wall_clock": or_none(limits.wall_clock.map(show)),
        "max_repeats": limits.max_repeats,
        "max_idle_turns": limits.max_idle_turns,
        "max_parallel_tools": limits.max_parallel_tools,
        "max_tool_calls": or_none(limits.max_tool_calls),
        "max_depth": limits.max_depth,
        "max_children": limits.max_children,
        "on_limit": if limits.on_limit == OnLimit::Error { "error" } else { "finish" },
    })
}

fn permissions(core: &Core) -> Result<Value> {
    let permissions = &core.permissions;
    let mut said = Map::new();
    if let Some(allow) = &permissions.allow {
        said.insert("allow".to_owned(), json!(allow));
    }
    if let Some(allow) = &permissions.allow_capabilities {
        said.insert("allow_capabilities".to_owned(), written(allow)?);
    }
    if !permissions.deny.is_empty() {
        said.insert("deny".to_owned(), json!(permissions.deny));
    }
    if !permissions.deny_capabilities.is_empty() {
        said.insert("deny_capabilities".to_owned(), written(&permissions.deny_capabilities)?);
    }
    if permissions.raise {
        said.insert("on_denied".to_owned(), json!("raise"));
    }
    Ok(if said.is_empty() { Value::Null } else { Value::Object(said) })
}

fn approvals(core: &Core) -> Result<Value> {
    let policy = &core.approvals;
    if policy.capabilities.is_empty() {
        return Ok(Value::Null);
    }
    let terms = &policy.terms;
    let choices: Map<String, Value> = terms
        .choices
        .iter()
        .map(|choice| {
            let becomes = if choice.approves { "run" } else { "refuse" };
            (choice.name.to_string(), json!(becomes))
        })
        .collect();
    Ok(json!({
        "capabilities": written(&policy.capabilities)?,
        "approvers": terms.approvers,
        "quorum": terms.quorum,
        "choices": choices,
        "editable": terms.editable,
        "expires_after": show(terms.expires_after),
    }))
}
