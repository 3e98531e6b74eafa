//! Tools as functions of a script: under names that both languages can say.

use largestack_types::tool::ToolSpec;
use serde_json::Value;

use crate::request::Function;

/// Words that a function cannot be named, in one language or in both, and what scripts print with.
const TAKEN: &[&str] = &[
    "False",
    "None",
    "True",
    "and",
    "arguments",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "console",
    "const",
    "continue",
    "debugger",
    "def",
    "default",
    "del",
    "delete",
    "do",
    "elif",
    "else",
    "enum",
    "eval",
    "except",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "global",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "is",
    "lambda",
    "let",
    "new",
    "nonlocal",
    "not",
    "null",
    "or",
    "package",
    "pass",
    "print",
    "private",
    "protected",
    "public",
    "raise",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// A tool as a function; why it cannot be one.
pub(crate) fn of(tool: &ToolSpec) -> Result<Function, String> {
    let name = tool.name.replace('-', "_");
    if TAKEN.contains(&name.as_str()) || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("`{}` cannot be the name of a function in a script", tool.name));
    }
    let properties = schema(tool).get("properties").cloned();
    let parameters = match properties {
        Some(Value::Object(fields)) => fields.keys().cloned().collect(),
        _ => Vec::new(),
    };
    Ok(Function { name, tool: tool.name.to_string(), parameters })
}

/// The tools as functions; why they cannot be.
pub(crate) fn all(tools: &[ToolSpec]) -> Result<Vec<Function>, String> {
    let mut functions: Vec<Function> = Vec::with_capacity(tools.len());
    for tool in tools {
        let function = of(tool)?;
        if let Some(other) = functions.iter().find(|other| other.name == function.name) {
            let (one, two, name) = (&other.tool, &function.tool, &function.name);
            return Err(format!("`{one}` and `{two}` would both be `{name}` in a script"));
        }
        functions.push(function);
    }
    Ok(functions)
}

/// The schema of a tool's arguments.
pub(crate) fn schema(tool: &ToolSpec) -> Value {
    tool.parameters.to().unwrap_or_default()
}
