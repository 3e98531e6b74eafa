//! What happens at a node: one key says it.

use std::sync::Arc;

use largestack_engine::graph::{Expression, Template, Work};

use super::nodes::About;
use super::pattern::unknown_agent;
use super::{Asked, Others, Workflow, tests_of_state};
use crate::node::{Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show as _;
use crate::value;

/// The keys that say what happens, one of which a node has.
pub(super) const KINDS: &[&str] =
    &["agent", "tool", "workflow", "ask", "event", "sleep", "set", "switch", "pass"];

/// What happens at a node.
pub(super) struct Done {
    pub(super) work: Work,
    pub(super) asked: Option<Asked>,
    pub(super) workflow: Option<Workflow>,
    pub(super) cases: Vec<tests_of_state::Written>,
}

impl Done {
    pub(super) const fn of(work: Work) -> Self {
        Self { work, asked: None, workflow: None, cases: Vec::new() }
    }
}

/// Reads what happens at a node. What is wrong is reported, and something stands in its place.
pub(super) fn read(fields: &mut Fields<'_>, about: &About<'_>, others: &dyn Others) -> Done {
    let (source, path) = (fields.source().clone(), fields.key(""));
    let path = path.trim_end_matches('.').to_owned();
    let mut said: Vec<(&str, Node)> = Vec::new();
    for kind in KINDS {
        said.extend(fields.take(kind).map(|node| (*kind, node)));
    }
    let mut said = said.into_iter();
    let Some((kind, node)) = said.next() else {
        let wrong = Wrong::Value {
            detail: "nothing says what happens there".to_owned(),
            advice: Some(format!("Add one of {}", listed(KINDS))),
        };
        fields.report.wrong(&source, &path, wrong);
        return Done::of(Work::Pass);
    };
    if let Some((other, second)) = said.next() {
        let wrong =
            Wrong::value(format!("one thing happens at a node, not `{kind}` and `{other}`"));
        fields.report.wrong(&second.source, &path, wrong);
    }
    let key = fields.key(kind);
    let read = match kind {
        "agent" => agent(fields, about, &node),
        "tool" => tool(fields, about, &node),
        "workflow" => Ok(workflow(fields, &node, others)),
        "ask" => value::some_text(&node)
            .map(|question| Done::of(Work::Question { question: Template::new(question) })),
        "event" => value::some_text(&node).map(|event| Done::of(Work::Event { event })),
        "sleep" => value::duration(&node).map(|duration| Done::of(Work::Sleep { duration })),
        "set" => set(&node),
        "switch" => {
            let cases = tests_of_state::read(&node, &key, fields.report);
            let work = cases.iter().map(|written| written.case.clone()).collect();
            Ok(Done { cases, ..Done::of(Work::Switch { cases: work }) })
        }
        _ => pass(&node),
    };
    read.unwrap_or_else(|wrong| {
        fields.report.wrong(&node.source, &key, wrong);
        Done::of(Work::Pass)
    })
}

fn set(node: &Node) -> Result<Done, Wrong> {
    let value = value::json(node)?.to().map_err(|error| Wrong::value(error.to_string()))?;
    Ok(Done::of(Work::Set { value: Expression::new(value) }))
}

fn pass(node: &Node) -> Result<Done, Wrong> {
    if value::boolean(node)? {
        Ok(Done::of(Work::Pass))
    } else {
        Err(Wrong::value("is `true` where nothing happens, and is left out elsewhere"))
    }
}

fn tool(fields: &mut Fields<'_>, about: &About<'_>, node: &Node) -> Result<Done, Wrong> {
    let with = arguments(fields);
    let function = known_tool(node, about)?;
    let with = with.unwrap_or_else(|| Expression::new(serde_json::Map::new().into()));
    // Whether it may be called again is the tool's, which is made later.
    Ok(Done::of(Work::Function { function, idempotent: true, with: Some(with) }))
}

/// A tool that the workflow has.
pub(super) fn known_tool(node: &Node, about: &About<'_>) -> Result<Arc<str>, Wrong> {
    let name = value::some_text(node)?;
    if about.tools.iter().any(|tool| tool.gives(&name)) {
        return Ok(name);
    }
    if about.tools.is_empty() {
        return Err(Wrong::Value {
            detail: format!("there is no tool `{name}`"),
            advice: Some(format!("Name those that nodes call: `tools: [{name}]`")),
        });
    }
    Err(Wrong::unknown_name("tool", &name, about.tools.iter().map(|tool| &*tool.name)))
}

/// `with` of a tool: its arguments, made of the state.
pub(super) fn arguments(fields: &mut Fields<'_>) -> Option<Expression> {
    let path = fields.key("with");
    let node = fields.take("with")?;
    match value::object(&node).map(|said| said.to().map_err(|error| error.to_string())) {
        Ok(Ok(said)) => return Some(Expression::new(said)),
        Ok(Err(why)) => fields.report.wrong(&node.source, &path, Wrong::value(why)),
        Err(wrong) => fields.report.wrong(&node.source, &path, wrong),
    }
    None
}

fn agent(fields: &mut Fields<'_>, about: &About<'_>, node: &Node) -> Result<Done, Wrong> {
    let prompt = prompt(fields, about, &node.source);
    let name = value::some_text(node)?;
    if !about.agents.iter().any(|(known, _)| *known == name) {
        // One whose own keys are wrong is known, and was reported.
        let known = about.named.iter().map(|name| &**name);
        if !known.clone().any(|known| known == &*name) {
            return Err(unknown_agent(&name, known));
        }
    }
    let work = Work::Agent { agent: Arc::clone(&name), definition: None, prompt };
    let asked = Some(Asked { agent: name, decides: false });
    Ok(Done { asked, ..Done::of(work) })
}

/// What an agent is asked: the only input, where nothing else is said.
fn prompt(fields: &mut Fields<'_>, about: &About<'_>, source: &Source) -> Template {
    let path = fields.key("prompt");
    match (fields.take("prompt"), about.inputs) {
        (Some(node), _) => match value::some_text(&node) {
            Ok(text) => {
                fields.report.origin(&path, text.show(), &node.source);
                Template::new(text)
            }
            Err(wrong) => {
                fields.report.wrong(&node.source, &path, braces(&node).unwrap_or(wrong));
                Template::new("")
            }
        },
        (None, [(input, _)]) => Template::new(format!("{{{{ {input} }}}}")),
        (None, _) => {
            let wrong = Wrong::Value {
                detail: "the workflow is given no single key that could be the prompt".to_owned(),
                advice: Some("Say what the agent is asked: `prompt: \"... {{ KEY }}\"`".to_owned()),
            };
            fields.report.wrong(source, &path, wrong);
            Template::new("")
        }
    }
}

/// What to do where YAML has read a place without quotes as a group.
fn braces(node: &Node) -> Option<Wrong> {
    let Value::Map(entries) = &node.value else { return None };
    (entries.len() <= 1).then(|| Wrong::Value {
        detail: "takes text, and YAML reads braces without quotes as a group of keys".to_owned(),
        advice: Some("Put it in quotes: prompt: \"{{ task }}\"".to_owned()),
    })
}

fn workflow(fields: &mut Fields<'_>, node: &Node, others: &dyn Others) -> Done {
    let path = fields.key("workflow");
    let found = others.workflow(node, &path, fields.report);
    let with_path = fields.key("with");
    let mut inputs: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    let with = fields.take("with");
    match with.as_ref().map(|with| &with.value) {
        None => {
            let theirs = found.iter().flat_map(|workflow| &workflow.inputs);
            inputs.extend(theirs.map(|(key, _)| (Arc::clone(key), Arc::clone(key))));
        }
        Some(Value::Map(entries)) => {
            for entry in entries {
                let theirs: Arc<str> = entry.key.as_str().into();
                let known = found.as_ref().map(|workflow| &workflow.inputs);
                if let Some(known) = known.filter(|k| !k.iter().any(|(key, _)| *key == theirs)) {
                    let known = known.iter().map(|(key, _)| &**key);
                    let wrong = Wrong::unknown_name("input", &theirs, known);
                    fields.report.wrong(&entry.source, &with_path, wrong);
                }
                match super::state::key(&entry.node) {
                    Ok(ours) => inputs.push((theirs, ours)),
                    Err(wrong) => fields.report.wrong(&entry.node.source, &with_path, wrong),
                }
            }
            let missing = found.iter().flat_map(|workflow| &workflow.inputs);
            for (key, _) in missing.filter(|(key, _)| !inputs.iter().any(|(known, _)| known == key))
            {
                let wrong =
                    Wrong::value(format!("the workflow is given `{key}`, and it is missing"));
                fields.report.wrong(&node.source, &with_path, wrong);
            }
        }
        Some(_) => {
            let expected = "its keys, each with one of ours".to_owned();
            if let Some(with) = &with {
                let wrong = Wrong::Type { expected, found: with.found() };
                fields.report.wrong(&with.source, &with_path, wrong);
            }
        }
    }
    let graph = found.as_ref().map_or_else(|| "".into(), |workflow| Arc::clone(&workflow.name));
    let work = Work::Graph { graph, definition: None, inputs };
    Done { workflow: found, ..Done::of(work) }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
