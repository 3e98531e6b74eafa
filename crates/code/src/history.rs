//! What a run has recorded, as a worker is told it.

use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, ToolCall, ToolResult};
use serde::Deserialize;
use serde_json::Value;

use crate::depth::is_deep;
use crate::function;
use crate::limits::CodeLimits;
use crate::request::{Answer, Language, Request};

/// The arguments of the tool.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    pub(crate) language: Language,
    pub(crate) code: String,
}

/// The request that a conversation comes to; what is wrong with it.
pub(crate) fn request(call: &Call, limits: CodeLimits) -> Result<Request, String> {
    let asked = call.messages.iter().find(|message| message.role == Role::User);
    let asked = asked.ok_or_else(|| "no script was given".to_owned())?.text();
    let Arguments { language, code } =
        serde_json::from_str(&asked).map_err(|error| format!("the script: {error}"))?;
    let functions = function::all(&call.tools)?;
    let mut answers = Vec::new();
    for (index, message) in call.messages.iter().enumerate() {
        if message.role != Role::Assistant || message.tool_calls().next().is_none() {
            continue;
        }
        let behind = call.messages.iter().skip(index + 1);
        let results: Vec<&ToolResult> = behind
            .take_while(|message| message.role != Role::Assistant)
            .flat_map(|message| results(message))
            .collect();
        let answered = message.tool_calls().map(|made| {
            let result = results.iter().find(|result| result.call == made.call);
            let result =
                result.ok_or_else(|| format!("the call of `{}` has no result", made.name))?;
            Ok(answer(made, result))
        });
        answers.push(answered.collect::<Result<Vec<Answer>, String>>()?);
    }
    Ok(Request { language, code, functions, answers, limits })
}

/// Bytes that a script's calls have returned.
pub(crate) fn returned(call: &Call) -> usize {
    let results = call.messages.iter().flat_map(|message| results(message));
    results.map(|result| result.text.len()).sum()
}

fn results(message: &Message) -> impl Iterator<Item = &ToolResult> {
    message.parts.iter().filter_map(|part| match &part.body {
        Body::ToolResult(result) => Some(result),
        _ => None,
    })
}

/// What a tool returned: an object or a list where it is one, else its words.
fn answer(made: &ToolCall, result: &ToolResult) -> Answer {
    let text = &*result.text;
    let structured = text.trim_start().starts_with(['{', '[']) && !result.is_error;
    let value = structured.then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    let value = value.filter(|value| !is_deep(value));
    Answer {
        tool: result.name.to_string(),
        arguments: serde_json::from_str(made.arguments.as_str()).ok(),
        failed: result.is_error,
        value: value.unwrap_or_else(|| text.into()),
    }
}
