//! What to do next, read off the conversation alone: search, answer, or say why neither is possible.

use largestack_types::call::{Call, ToolChoice};
use largestack_types::message::{Message, Role};
use largestack_types::tool::ToolSpec;

use super::reading::Reading;
use crate::answer::{Role as From, clauses};

/// A search to run: the tool and its arguments as JSON.
pub(super) struct Search {
    pub(super) tool: std::sync::Arc<str>,
    pub(super) arguments: String,
}

/// The next step.
pub(super) enum Step {
    /// Run these searches, all at once.
    Search(Vec<Search>),
    /// Answer from what the tools returned.
    Answer { question: String, reading: Reading },
    /// Say this.
    Say(String),
}

/// Decides on the next step.
pub(super) fn next(call: &Call) -> Step {
    let asked = call.messages.iter().rposition(|message| message.role == Role::User);
    let question = asked
        .and_then(|at| call.messages.get(at))
        .map(|message| message.text())
        .unwrap_or_default();
    if asks_who_answers(&question) {
        return Step::Say(format!("I am {}.", super::DESCRIPTION));
    }
    let since = asked.and_then(|at| call.messages.get(at..)).unwrap_or_default();
    let reading = Reading::of(since.iter().map(AsRef::as_ref));
    let tried =
        since.iter().any(|message: &std::sync::Arc<Message>| message.tool_calls().next().is_some());
    if !reading.passages.is_empty() || tried {
        return Step::Answer { question, reading };
    }
    let forbidden = call.tool_choice == ToolChoice::None;
    match call.tools.iter().find_map(|tool| query_parameter(tool).map(|name| (tool, name))) {
        Some((tool, parameter)) if !forbidden => Step::Search(
            queries(&question)
                .into_iter()
                .map(|query| Search {
                    tool: tool.name.clone(),
                    arguments: arguments(&parameter, &query),
                })
                .collect(),
        ),
        _ => Step::Say(format!(
            "I can only answer from what a search tool returns, and {}. ({})",
            if forbidden { "I was told not to call one" } else { "none is offered" },
            super::DESCRIPTION
        )),
    }
}

fn arguments(parameter: &str, query: &str) -> String {
    let mut object = serde_json::Map::new();
    object.insert(parameter.to_owned(), query.into());
    serde_json::Value::Object(object).to_string()
}

/// Most characters of one query.
const MAX_QUERY: usize = 1_000;

/// One query for each thing asked, and the whole question when there are several, so that a clause finds its topic.
fn queries(question: &str) -> Vec<String> {
    let asked = clauses(question);
    let mut out: Vec<String> = vec![question.to_owned()];
    if asked.len() > 1 {
        for clause in asked {
            let topic = clause
                .subjects
                .iter()
                .filter(|subject| subject.role == From::Stated)
                .map(|subject| subject.word.as_str());
            out.push(
                std::iter::once(clause.text.as_str()).chain(topic).collect::<Vec<_>>().join(" "),
            );
        }
    }
    out.into_iter().map(|query| query.chars().take(MAX_QUERY).collect()).collect()
}

/// The parameter that takes the query, when the tool is a search: its name says so and it needs one text and nothing else.
fn query_parameter(tool: &ToolSpec) -> Option<String> {
    let name = tool.name.to_ascii_lowercase();
    if !["search", "retriev", "knowledge", "lookup", "find", "query"]
        .iter()
        .any(|word| name.contains(word))
    {
        return None;
    }
    let schema: serde_json::Value = tool.parameters.to().ok()?;
    let properties = schema.get("properties")?.as_object()?;
    let required: Vec<&str> = schema
        .get("required")
        .and_then(|r| r.as_array())
        .map(|r| r.iter().filter_map(|v| v.as_str()).collect())
        .unwrap_or_default();
    let is_text = |name: &str| {
        properties.get(name).and_then(|p| p.get("type")).and_then(|t| t.as_str()) == Some("string")
    };
    let text =
        ["query", "question", "q", "text", "search"].into_iter().find(|name| is_text(name))?;
    required.iter().all(|name| *name == text).then(|| text.to_owned())
}

/// Whether the question is about the model itself.
fn asks_who_answers(question: &str) -> bool {
    let words: Vec<String> =
        crate::analysis::tokens(question).into_iter().map(|t| t.text).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["who" | "what", "are", "you"]
            | ["what" | "which", "model", "are", "you"]
            | ["what", "is", "your", "name"]
    )
}
