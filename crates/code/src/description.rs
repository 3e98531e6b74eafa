//! What the model is told: what a script is, what it may call, and how each language says that.

use std::fmt::Write as _;

use largestack_types::tool::ToolSpec;
use serde_json::Value;

use crate::function;
use crate::limits::CodeLimits;
use crate::request::{Function, Language};

/// Characters of a tool's own description that are repeated.
const MOST_OF_EACH: usize = 300;

/// The description of the tool.
pub(crate) fn of(
    languages: &[Language],
    callable: &[ToolSpec],
    limits: CodeLimits,
) -> Result<String, String> {
    let names: Vec<&str> = languages.iter().map(|language| language.name()).collect();
    let mut text = format!(
        "Performs a script in {} and returns the value of its last expression and what it printed. It \
has no files, network, environment, clock or libraries to install, and keeps nothing between \
calls. Limits: {:?}, {} MiB of memory, {} KiB of output.",
        names.join(" or "),
        limits.time,
        limits.memory >> 20,
        limits.output >> 10,
    );
    if callable.is_empty() {
        return Ok(text);
    }
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        " It may call these functions, {} times at most; a result that is a JSON object or array is \
one in the script, any other is text, and a call that fails is an error that can be caught.",
        limits.calls
    );
    if languages.contains(&Language::Python) {
        text.push_str(
            " In Python they take keyword arguments and return at once, without `await`.",
        );
    }
    if languages.contains(&Language::Javascript) {
        text.push_str(
            " In JavaScript they take one object and return a promise: `await` it; those of \
`Promise.all` are made together. A whole number in a result beyond 2^53 - 1 is its digits as text.",
        );
    }
    for (tool, function) in callable.iter().zip(function::all(callable)?) {
        let own: String = tool.description.chars().take(MOST_OF_EACH).collect();
        let _ = write!(text, "\n- {}: {own}", signature(tool, &function));
    }
    Ok(text)
}

/// A function with its parameters and their types, as Python says it.
fn signature(tool: &ToolSpec, function: &Function) -> String {
    let schema = function::schema(tool);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)));
    let parameter = |name: &String| {
        let kind = schema.get("properties").and_then(|all| all.get(name)?.get("type"));
        let kind = kind.and_then(Value::as_str).unwrap_or("any");
        let rest = if is_required(name) { "" } else { " = …" };
        format!("{name}: {kind}{rest}")
    };
    let parameters: Vec<String> = function.parameters.iter().map(parameter).collect();
    format!("{}({})", function.name, parameters.join(", "))
}
