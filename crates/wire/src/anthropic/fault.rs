//! Error bodies: Anthropic's own (platform.claude.com/docs/en/api/errors), and those that Bedrock
//! and Vertex answer with in its place.

use largestack_types::errors::LargestackError;
use serde_json::value::RawValue;

use crate::bedrock::fault::refuses_credentials;
use crate::fault::{Complaint, classify, header};
use crate::model::Target;
use crate::openai_chat::fault as bodies;

/// The error that a refused request means.
pub(super) fn refused(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    target: &Target,
) -> LargestackError {
    let mut complaint = bodies::said(&String::from_utf8_lossy(body)).0;
    // Bedrock names the kind of its errors in a header, perhaps with a namespace behind a colon.
    if let Some(kind) = header(headers, &["x-amzn-errortype"]) {
        let kind = kind.split(':').next().unwrap_or(kind);
        let said = complaint.message.to_ascii_lowercase();
        let kind = if refuses_credentials(kind, &said) { "authentication_error" } else { kind };
        complaint.code.get_or_insert_with(|| kind.to_owned());
    }
    classify(Some(status), headers, sized(complaint), target)
}

/// The error that came inside a reply: `{"type", "message"}`.
pub(super) fn in_reply(raw: &RawValue, target: &Target) -> LargestackError {
    let (complaint, status) = bodies::said(raw.get());
    let status = status.or_else(|| complaint.kind.as_deref().and_then(status_of));
    classify(status, &[], sized(complaint), target)
}

/// The status under which the kinds of errors come where they come before a reply.
fn status_of(kind: &str) -> Option<u16> {
    Some(match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}

/// Whether the name of an event is that of an error of Bedrock's
/// (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html).
pub(super) fn is_exception(event: &str) -> bool {
    event.ends_with("Exception")
}

/// The error that such an event means.
pub(super) fn exception(event: &str, data: &str, target: &Target) -> LargestackError {
    let (mut complaint, _) = bodies::said(data);
    complaint.code.get_or_insert_with(|| event.to_owned());
    let status = match event.to_ascii_lowercase().as_str() {
        "throttlingexception" | "servicequotaexceededexception" => Some(429),
        "validationexception" => Some(400),
        "accessdeniedexception" => Some(403),
        "modeltimeoutexception" => Some(408),
        "serviceunavailableexception" | "modelnotreadyexception" => Some(503),
        "internalserverexception" | "modelstreamerrorexception" => Some(500),
        _ => None,
    };
    classify(status, &[], sized(complaint), target)
}

/// How much was too much, in the API's sentences: `prompt is too long: 205000 tokens > 200000
/// maximum`, and `input length and max_tokens exceed context limit: 188240 + 21333 > 200000`.
fn sized(complaint: Complaint) -> Complaint {
    let message = &complaint.message;
    let numbers = |text: &str| -> Vec<u64> {
        let digits = text.split(|c: char| !c.is_ascii_digit());
        digits.filter_map(|digits| digits.parse().ok()).collect()
    };
    let behind = |phrase: &str| message.split_once(phrase).map(|(_, rest)| numbers(rest));
    let (tokens, maximum) = match (behind("prompt is too long:"), behind("exceed context limit:")) {
        (Some(found), _) => (found.first().copied(), found.get(1).copied()),
        (_, Some(found)) => match found[..] {
            [input, output, maximum, ..] => (input.checked_add(output), Some(maximum)),
            _ => (None, None),
        },
        _ => (None, None),
    };
    Complaint {
        tokens: complaint.tokens.or(tokens),
        maximum: complaint.maximum.or(maximum),
        ..complaint
    }
}
