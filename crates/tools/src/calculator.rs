//! `calculator`: arithmetic, exact where it can be, and never more work than a limit allows.

use largestack_ports::tool::{Capability, ToolFailure, ToolOutput};
use largestack_types::label::Origin;
use serde::Deserialize;

use crate::DynamicTool;
use crate::built_in::{About, built_in};

mod number;
mod parse;

pub use number::Number;
pub use parse::Wrong;

/// The tool's name.
pub const NAME: &str = "calculator";
/// Characters of an expression that are read; a longer one is refused.
pub const MAX_LENGTH: usize = 1_000;
/// Parentheses, powers and signs within one another.
pub const MAX_DEPTH: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    expression: String,
}

/// The tool.
pub fn tool() -> DynamicTool {
    let about = About {
        name: NAME,
        description:
            "Calculates. Knows + - * / % ^ and parentheses, pi and e, abs, ceil, cos, exp, \
floor, ln, log10, max, min, round(x, digits), sin, sqrt and tan (angles in radians). Fractions and \
decimals are exact; a result that is not is marked with ~."
                .to_owned(),
        arguments: serde_json::json!({
            "expression": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_LENGTH,
                "description": "For example (12.5 - 3) * 4 / 7 or round(2 ^ 0.5, 3)."
            }
        }),
        required: &["expression"],
        idempotent: true,
        origin: Origin::Operator,
        capabilities: &[Capability::Read],
    };
    built_in(about, |_, Arguments { expression }| async move {
        match evaluate(&expression) {
            Ok(number) => Ok(ToolOutput::text(number.to_string())),
            Err(wrong) => Err(ToolFailure::new(wrong.to_string())),
        }
    })
}

/// What an expression comes to.
pub fn evaluate(expression: &str) -> Result<Number, Wrong> {
    parse::evaluate(expression)
}

#[cfg(test)]
mod tests;
