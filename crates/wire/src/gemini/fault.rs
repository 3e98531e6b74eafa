//! Error bodies (`google.rpc.Status` under `error`), alone or in a list, and what their details say.

use std::borrow::Cow;

use largestack_types::errors::{LargestackError, ProviderRateLimitError};
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::object::Entries;
use crate::fault::{Complaint, classify, detail, header, plain, rate_limit};
use crate::json::{Count, Fields, List, Object, Str, lenient};
use crate::model::Target;

#[derive(Debug, Default)]
struct Body<'a> {
    error: Option<&'a RawValue>,
    code: Count,
    status: Str<'a>,
    message: Str<'a>,
    details: List<&'a RawValue>,
}

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "error" => self.error = Some(raw),
            "code" => self.code = lenient(raw.get()),
            "status" => self.status = lenient(raw.get()),
            "message" => self.message = lenient(raw.get()),
            "details" => self.details = lenient(raw.get()),
            _ => {}
        }
        Ok(())
    }
}

/// What an error says.
#[derive(Debug, Default)]
struct Said {
    message: String,
    /// The HTTP status that it names.
    code: Option<u16>,
    /// The canonical code, e.g. `RESOURCE_EXHAUSTED`.
    status: Option<String>,
    /// `ErrorInfo.reason`, e.g. `API_KEY_INVALID`.
    reason: Option<String>,
    /// `RetryInfo.retryDelay` in seconds, as it was written without its unit.
    delay: Option<String>,
    /// Whether a quota for a day or more is used up, so that waiting a moment does not help.
    for_long: bool,
}

/// The error that a refused request means.
pub(super) fn refused(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    target: &Target,
) -> LargestackError {
    let text = String::from_utf8_lossy(body);
    let said = match serde_json::from_str::<&RawValue>(text.trim()) {
        Ok(raw) => read(raw),
        Err(_) => Said { message: plain(&text), ..Said::default() },
    };
    judge(Some(status), headers, said, target)
}

/// The error that came inside a reply, with the status that it names.
pub(super) fn in_reply(raw: &RawValue, target: &Target) -> LargestackError {
    let said = read(raw);
    judge(said.code, &[], said, target)
}

/// How many wrappings around an error are looked through: a list, and `error`.
const DEPTH: usize = 4;

fn read(raw: &RawValue) -> Said {
    let mut raw = raw;
    for _ in 0..DEPTH {
        let text = raw.get();
        let inner = if text.starts_with('[') {
            lenient::<List<&RawValue>>(text).0.into_iter().next()
        } else {
            lenient::<Object<Body<'_>>>(text).0.error.filter(|inner| inner.get() != "null")
        };
        let Some(inner) = inner else { break };
        raw = inner;
    }
    if raw.get().starts_with('"') {
        let message = lenient::<Str<'_>>(raw.get()).or_empty().into_owned();
        return Said { message, ..Said::default() };
    }
    let Object(body) = lenient::<Object<Body<'_>>>(raw.get());
    let code = body.code.0.and_then(|code| u16::try_from(code).ok());
    let mut said = Said {
        message: body.message.or_empty().into_owned(),
        code: code.filter(|code| (400..600).contains(code)),
        status: body.status.non_empty().map(Cow::into_owned),
        ..Said::default()
    };
    for detail in body.details.0 {
        details(detail, &mut said);
    }
    said
}

/// One of `google.rpc.ErrorInfo`, `RetryInfo`, `QuotaFailure`; others explain to people.
fn details(raw: &RawValue, said: &mut Said) {
    let fields = Entries::of(raw.get());
    let text = |fields: &Entries<'_>, name: &str| {
        let raw = fields.get([name, name])?;
        lenient::<Str<'_>>(raw.get()).non_empty().map(Cow::into_owned)
    };
    said.reason = said.reason.take().or_else(|| text(&fields, "reason"));
    let delay = text(&fields, "retryDelay");
    let delay = delay.and_then(|delay| delay.strip_suffix('s').map(str::to_owned));
    said.delay = said.delay.take().or(delay);
    let violations = fields.get(["violations", "violations"]);
    let violations = violations.map(|raw| lenient::<List<&RawValue>>(raw.get()).0);
    for violation in violations.unwrap_or_default() {
        let quota = text(&Entries::of(violation.get()), "quotaId");
        said.for_long |= quota.is_some_and(|quota| quota.contains("PerDay"));
    }
}

fn judge(
    status: Option<u16>,
    headers: &[(String, String)],
    said: Said,
    target: &Target,
) -> LargestackError {
    let canonical = said.status.as_deref().unwrap_or_default();
    if status == Some(429) || (status.is_none() && canonical == "RESOURCE_EXHAUSTED") {
        return too_many(status, headers, &said, target);
    }
    let reason = said.reason.as_deref().unwrap_or_default();
    let keyless = matches!(reason, "API_KEY_INVALID" | "ACCESS_TOKEN_EXPIRED")
        || said.message.starts_with("API key not valid")
        || said.message.starts_with("API key expired");
    let lacks_right = matches!(canonical, "UNAUTHENTICATED" | "PERMISSION_DENIED");
    let status = match status {
        // A bad key is a bad request to the Gemini API.
        Some(400) if keyless => Some(401),
        None if keyless || (lacks_right && said.reason.is_none()) => Some(401),
        None => canonical_status(canonical),
        other => other,
    };
    let sizes = sizes(&said.message);
    let complaint = Complaint {
        code: sizes.map(|_| "context_length_exceeded".to_owned()).or(said.reason),
        kind: said.status,
        tokens: sizes.and_then(|(tokens, _)| tokens),
        maximum: sizes.and_then(|(_, maximum)| maximum),
        message: said.message,
    };
    classify(status, headers, complaint, target)
}

/// The status of a canonical code (google.rpc.Code).
fn canonical_status(word: &str) -> Option<u16> {
    Some(match word {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "NOT_FOUND" => 404,
        "ABORTED" => 409,
        "INTERNAL" | "UNKNOWN" | "DATA_LOSS" => 500,
        "UNIMPLEMENTED" => 501,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => return None,
    })
}

/// Too many requests or tokens. The sentence is the same for a minute's quota and for a day's; the
/// details tell them apart.
fn too_many(
    status: Option<u16>,
    headers: &[(String, String)],
    said: &Said,
    target: &Target,
) -> LargestackError {
    let detail = detail(status, &said.message);
    if said.for_long {
        let provider = target.provider.name.clone();
        return ProviderRateLimitError { provider, detail, retry_after_ms: None, exhausted: true }
            .into();
    }
    let mut headers = headers.to_vec();
    if let Some(delay) = said.delay.clone().filter(|_| header(&headers, &["retry-after"]).is_none())
    {
        headers.push(("retry-after".to_owned(), delay));
    }
    rate_limit(&headers, detail, target)
}

/// The request's tokens and the model's maximum, where the sentence is about them: "The input token
/// count (1200000) exceeds the maximum number of tokens allowed (1048576)", or at Vertex AI "The
/// input token count is 1200000 but model only supports up to 1048576".
fn sizes(message: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (_, rest) = message.split_once("input token count")?;
    if !rest.contains("exceeds the maximum") && !rest.contains("only supports up to") {
        return None;
    }
    let mut numbers = rest
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().ok());
    let first = numbers.next().flatten();
    // "The input token count exceeds the maximum number of tokens allowed 1048576."
    Some(match numbers.next() {
        Some(second) => (first, second),
        None => (None, first),
    })
}
