//! From a refused request to an error of the catalogue: what all wires share. A wire reads its
//! provider's error body into a [`Complaint`]; what that means is decided here, once.

use std::borrow::Cow;

use largestack_types::error::Code;
use largestack_types::errors::{
    ContextWindowExceededError, LargestackError, ProviderAuthError, ProviderError,
    ProviderRateLimitError, ProviderTimeoutError,
};

use crate::model::Target;
use crate::wait;

/// What a provider said about a request that it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Its sentence.
    pub(crate) message: String,
    /// Its code, or its type where it has no code.
    pub(crate) code: Option<String>,
    /// Its type.
    pub(crate) kind: Option<String>,
    /// Tokens of the request, where the error says.
    pub(crate) tokens: Option<u64>,
    /// Tokens the model takes, where the error says.
    pub(crate) maximum: Option<u64>,
}

impl Complaint {
    fn is(&self, words: &[&str]) -> bool {
        [&self.code, &self.kind].into_iter().flatten().any(|word| words.contains(&word.as_str()))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

const CONTEXT_CODES: &[&str] =
    &["context_length_exceeded", "exceed_context_size_error", "string_above_max_length"];
const CONTEXT_PHRASES: &[&str] = &[
    "maximum context length",
    "context length exceeded",
    "context window",
    "exceeds the available context size",
    "prompt is too long",
    "exceed context limit",
    "reduce the length of the messages",
];
const QUOTA_CODES: &[&str] = &[
    "insufficient_quota",
    "billing_hard_limit_reached",
    "insufficient_balance",
    "billing_not_active",
];
const QUOTA_PHRASES: &[&str] = &[
    "exceeded your current quota",
    "insufficient balance",
    "insufficient credits",
    "credit balance is too low",
    "specified api usage limits",
];
const RATE_CODES: &[&str] = &["rate_limit_exceeded", "rate_limit_error", "rate_limited"];
const AUTH_CODES: &[&str] = &["invalid_api_key", "authentication_error", "invalid_authentication"];
const TRANSIENT_CODES: &[&str] = &[
    "server_error",
    "internal_server_error",
    "overloaded_error",
    "service_unavailable",
    "api_error",
];

/// The error that a complaint means. `status` is absent inside a reply that had begun.
pub(crate) fn classify(
    status: Option<u16>,
    headers: &[(String, String)],
    complaint: Complaint,
    target: &Target,
) -> LargestackError {
    let provider = target.provider.name.clone();
    let detail = detail(status, &complaint.message);
    if is_context(status, &complaint) {
        return ContextWindowExceededError {
            model: target.model.clone(),
            tokens: complaint.tokens,
            maximum: complaint.maximum.or(target.profile.context_tokens),
        }
        .into();
    }
    if status == Some(402) || complaint.is(QUOTA_CODES) || complaint.says(QUOTA_PHRASES) {
        let (retry_after_ms, exhausted) = (None, true);
        return ProviderRateLimitError { provider, detail, retry_after_ms, exhausted }.into();
    }
    match status {
        Some(429) => rate_limit(headers, detail, target),
        None if complaint.is(RATE_CODES) => rate_limit(headers, detail, target),
        Some(401) => auth(detail, target),
        // A refusal on other grounds (moderation, country, a model not enabled) names them.
        Some(403) if complaint.code.is_none() || complaint.is(AUTH_CODES) => auth(detail, target),
        None if complaint.is(AUTH_CODES) => auth(detail, target),
        Some(404) if is_model_missing(&complaint) => LargestackError::with_advice(
            Code::ModelUnknown,
            format!("{provider} does not have the model `{}`: {detail}", target.model),
            format!("Check the name in the list of models of {provider}, and your access to it"),
        ),
        // What the provider waited for and how long, it does not say.
        Some(408 | 504 | 524) => ProviderTimeoutError {
            provider,
            phase: Cow::Owned(format!("its own reply (HTTP {})", status.unwrap_or_default())),
            after_ms: 0,
        }
        .into(),
        _ => ProviderError {
            provider,
            status,
            detail,
            transient: is_transient(status, &complaint),
            provider_code: complaint.code.or(complaint.kind),
            request_id: header(
                headers,
                &["x-request-id", "request-id", "x-amzn-requestid", "cf-ray"],
            )
            .map(str::to_owned),
        }
        .into(),
    }
}

fn is_context(status: Option<u16>, complaint: &Complaint) -> bool {
    let refused = matches!(status, None | Some(400 | 413 | 422 | 500));
    complaint.is(CONTEXT_CODES)
        || (refused && complaint.says(CONTEXT_PHRASES))
        || status == Some(413)
}

fn is_model_missing(complaint: &Complaint) -> bool {
    complaint.is(&["model_not_found", "not_found_error", "model_not_available"])
        || complaint.says(&["model"])
}

/// Whether the same request can succeed later.
fn is_transient(status: Option<u16>, complaint: &Complaint) -> bool {
    match status {
        Some(501 | 505) => false,
        Some(status) => status >= 500 || matches!(status, 409 | 425),
        None => complaint.is(TRANSIENT_CODES) || complaint.says(&["overloaded", "try again"]),
    }
}

fn auth(detail: String, target: &Target) -> LargestackError {
    ProviderAuthError {
        provider: target.provider.name.clone(),
        detail,
        key_variable: target.provider.key_variable().to_owned(),
    }
    .into()
}

/// Too many requests: to be made again after the wait that the provider names.
pub(crate) fn rate_limit(
    headers: &[(String, String)],
    detail: String,
    target: &Target,
) -> LargestackError {
    ProviderRateLimitError {
        provider: target.provider.name.clone(),
        retry_after_ms: wait::retry_after_ms(headers).or_else(|| wait::in_sentence(&detail)),
        detail,
        exhausted: false,
    }
    .into()
}

/// The value of the first of these headers that is there; names compare without case.
pub(crate) fn header<'a>(headers: &'a [(String, String)], names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    })
}

/// A sentence from outside, fit for an error: one line, at most 500 characters, no keys.
pub(crate) fn detail(status: Option<u16>, message: &str) -> String {
    let words: Vec<Cow<'_, str>> = message.split_whitespace().map(without_key).collect();
    let line = words.join(" ");
    if line.is_empty() {
        return status.map_or_else(|| "no reason given".into(), |s| reason_phrase(s).to_owned());
    }
    match line.char_indices().nth(500) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// How the ids of items begin that errors of the Responses API name.
const ITEM_IDS: &[&str] = &["rs_", "msg_", "fc_", "resp_", "ws_", "call_"];

/// A word without the key in it: whatever has 24 or more letters, digits, `_`, `-` or `*` in a
/// row and at least one digit or asterisk. Request ids go with it, which is no loss.
fn without_key(word: &str) -> Cow<'_, str> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*');
    let secret = |run: &str| {
        run.len() >= 24
            && run.contains(|c: char| c.is_ascii_digit() || c == '*')
            && !ITEM_IDS.iter().any(|prefix| run.starts_with(prefix))
    };
    if !word.split(|c| !is_key(c)).any(secret) {
        return Cow::Borrowed(word);
    }
    let parts = word.split_inclusive(|c| !is_key(c));
    let clean = parts.map(|part| {
        let run = part.trim_end_matches(|c| !is_key(c));
        if secret(run) { part.replacen(run, "[redacted]", 1) } else { part.to_owned() }
    });
    Cow::Owned(clean.collect())
}

/// The words of a body that is not JSON: the title of a web page, else the text itself.
pub(crate) fn plain(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|at| {
        let rest = text.get(at + "<title>".len()..)?;
        rest.split('<').next()
    });
    match title {
        Some(title) => format!("a web page instead of an answer: {}", title.trim()),
        None if lower.trim_start().starts_with('<') => "a web page instead of an answer".to_owned(),
        None => text.to_owned(),
    }
}

const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "bad request",
        401 => "not authenticated",
        403 => "forbidden",
        404 => "not found",
        409 => "conflict",
        413 => "request too large",
        422 => "request not understood",
        429 => "too many requests",
        500 => "internal error",
        502 => "bad gateway",
        503 => "service unavailable",
        529 => "overloaded",
        _ => "no reason given",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_pass_and_words_do() {
        let said =
            "Incorrect API key provided: sk-proj-abc123def456ghi789jkl. You can find it at x.";
        let line = detail(None, said);
        assert_eq!(line, "Incorrect API key provided: [redacted]. You can find it at x.");
        let masked = "key=sk-****************************wxyz!";
        assert_eq!(detail(None, masked), "key=[redacted]!");
        let item = "Item 'rs_68c42de022c881948db7ed1cc2529f2e0202c9ad' was provided";
        assert_eq!(detail(None, item), item);
        let plain = "The model meta-llama/Llama-3.3-70B-Instruct-Turbo is not there";
        assert_eq!(detail(None, plain), plain);
    }

    #[test]
    fn details_are_one_line_and_short() {
        assert_eq!(detail(None, "a\n  b"), "a b");
        assert_eq!(detail(Some(503), " "), "service unavailable");
        assert_eq!(detail(None, &"é".repeat(500)), "é".repeat(500));
        assert_eq!(detail(None, &"é".repeat(501)), format!("{}...", "é".repeat(500)));
    }
}
