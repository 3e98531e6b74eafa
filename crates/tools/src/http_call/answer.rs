//! What a service answers, as a tool's result.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_ports::egress::Fetched;
use largestack_ports::tool::{ToolFailure, ToolOutput};
use largestack_ports::vault::Sensitive;
use serde_json::Value;

use crate::withheld::{Cut, Withheld};

/// Characters of the body of a refusal that a model reads.
const COMPLAINT: usize = 500;

/// The result, or what a model reads of a refusal. Credentials that a service repeats are taken out,
/// however it spells them.
pub(crate) fn answered<'s>(
    fetched: &Fetched,
    pointer: Option<&str>,
    secrets: impl Iterator<Item = &'s Sensitive>,
) -> Result<ToolOutput, ToolFailure> {
    let known: Vec<String> = secrets.flat_map(|secret| spoken(secret.expose())).collect();
    let withheld = Withheld::of(known.iter().map(String::as_str));
    let body = withheld.readable(&fetched.body, Cut { before: false, after: fetched.cut });
    if !(200..300).contains(&fetched.status) {
        let complaint: String = body.trim().chars().take(COMPLAINT).collect();
        let text = match complaint.as_str() {
            "" => format!("the service answered with HTTP {}", fetched.status),
            _ => format!("the service answered with HTTP {}: {complaint}", fetched.status),
        };
        let passes = matches!(fetched.status, 408 | 425 | 429) || fetched.status >= 500;
        return Err(if passes { ToolFailure::transient(text) } else { ToolFailure::new(text) });
    }
    if let Some(pointer) = pointer {
        return pointed(&body, pointer);
    }
    match serde_json::from_str::<Value>(&body) {
        Ok(value) if fetched.content_type.contains("json") => ToolOutput::json(&value),
        _ if body.is_empty() => {
            Ok(ToolOutput::text(format!("HTTP {}, nothing in it", fetched.status)))
        }
        _ if fetched.cut => {
            Ok(ToolOutput::text(format!("{body}\n\n[the answer is longer than is read]")))
        }
        _ => Ok(ToolOutput::text(body)),
    }
}

/// A header's value, and what in it is secret by itself: a service names a token without the scheme
/// before it, and a password without the user's name (RFC 7617).
fn spoken(value: &str) -> Vec<String> {
    let mut known = vec![value.to_owned()];
    let Some((scheme, token)) = value.split_once(' ').map(|(s, token)| (s, token.trim())) else {
        return known;
    };
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(pair) = STANDARD.decode(token)
        && let Some((_, password)) = String::from_utf8_lossy(&pair).split_once(':')
    {
        known.push(password.to_owned());
    }
    known.push(token.to_owned());
    known
}

/// What stands at a JSON pointer.
fn pointed(body: &str, pointer: &str) -> Result<ToolOutput, ToolFailure> {
    let value: Value = serde_json::from_str(body).map_err(|error| {
        ToolFailure::new(format!("the service did not answer with JSON: {error}"))
    })?;
    match value.pointer(pointer) {
        Some(value) => ToolOutput::json(value),
        None => Err(ToolFailure::new(format!("the service's answer has nothing at `{pointer}`"))),
    }
}
