//! Error bodies of the wire and its dialects: an object under `error`, a string under `error`,
//! the object without anything around it, a list of them, a web page.

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::fault::{Complaint, classify, plain};
use crate::json::{Count, Fields, List, Object, Str, lenient};
use crate::model::Target;

#[derive(Debug, Default)]
struct Body<'a> {
    error: Option<&'a RawValue>,
    message: Str<'a>,
    detail: Option<&'a RawValue>,
    kind: Str<'a>,
    /// A word, or a status as a number.
    code: Str<'a>,
    status_code: Count,
    metadata: Object<Metadata<'a>>,
    /// llama.cpp.
    n_prompt_tokens: Count,
    n_ctx: Count,
}

#[derive(Debug, Default)]
struct Metadata<'a> {
    /// OpenRouter: the words of the provider behind it.
    raw: Str<'a>,
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
            "message" | "msg" => self.message = lenient(raw.get()),
            "detail" => self.detail = Some(raw),
            "type" => self.kind = lenient(raw.get()),
            "code" => self.code = lenient(raw.get()),
            "status_code" => self.status_code = lenient(raw.get()),
            "metadata" => self.metadata = lenient(raw.get()),
            "n_prompt_tokens" => self.n_prompt_tokens = lenient(raw.get()),
            "n_ctx" => self.n_ctx = lenient(raw.get()),
            _ => {}
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Metadata<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        if key == "raw" {
            self.raw = lenient(raw.get());
        }
        Ok(())
    }
}

/// The error that a refused request means.
pub(crate) fn refused(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    target: &Target,
) -> LargestackError {
    let (complaint, _) = said(&String::from_utf8_lossy(body));
    classify(Some(status), headers, complaint, target)
}

/// What the body of an error says, in whatever shape, and the status it names.
pub(crate) fn said(text: &str) -> (Complaint, Option<u16>) {
    match serde_json::from_str::<&RawValue>(text.trim()) {
        Ok(raw) => read(raw, DEPTH),
        Err(_) => (Complaint { message: plain(text), ..Complaint::default() }, None),
    }
}

/// The error that came inside a reply. The status is the provider's own, where it names one.
pub(crate) fn in_reply(raw: &RawValue, target: &Target) -> LargestackError {
    let (complaint, status) = read(raw, DEPTH);
    classify(status, &[], complaint, target)
}

/// How many wrappings around an error are looked through; two are known.
const DEPTH: u32 = 4;

/// What an error body says, and the status it names.
fn read(raw: &RawValue, depth: u32) -> (Complaint, Option<u16>) {
    let text = raw.get();
    if text.starts_with('[') {
        // Google's compatible endpoint wraps its error in a list; FastAPI lists what it missed.
        let List(items) = lenient::<List<&RawValue>>(text);
        return items
            .first()
            .filter(|_| depth > 0)
            .map(|first| read(first, depth - 1))
            .unwrap_or_default();
    }
    if text.starts_with('"') {
        let message = lenient::<Str<'_>>(text).or_empty().into_owned();
        return (Complaint { message, ..Complaint::default() }, None);
    }
    let Object(body) = lenient::<Object<Body<'_>>>(text);
    let outer = complaint(&body);
    let inner = body.error.or(body.detail).filter(|raw| raw.get() != "null" && depth > 0);
    let inner = inner.map(|raw| read(raw, depth.saturating_sub(1)));
    let Some((inner, status)) = inner else { return outer };
    // A string under `error` says it all but the code, which stands beside it.
    let message = if inner.message.is_empty() { outer.0.message } else { inner.message };
    let merged = Complaint {
        message,
        code: inner.code.or(outer.0.code),
        kind: inner.kind.or(outer.0.kind),
        tokens: inner.tokens.or(outer.0.tokens),
        maximum: inner.maximum.or(outer.0.maximum),
    };
    (merged, status.or(outer.1))
}

fn complaint(body: &Body<'_>) -> (Complaint, Option<u16>) {
    let mut message = body.message.clone().or_empty().into_owned();
    if let Some(raw) = body.metadata.0.raw.clone().non_empty() {
        message = format!("{message}: {raw}");
    }
    let code = body.code.clone().non_empty();
    let status = code.as_deref().and_then(|code| code.parse().ok());
    let status = body.status_code.0.and_then(|count| u16::try_from(count).ok()).or(status);
    let (tokens, maximum) = sizes(&message);
    let complaint = Complaint {
        message,
        code: code.filter(|code| code.parse::<u16>().is_err()).map(Cow::into_owned),
        kind: body.kind.clone().non_empty().map(Cow::into_owned),
        tokens: body.n_prompt_tokens.0.or(tokens),
        maximum: body.n_ctx.0.or(maximum),
    };
    (complaint, status.filter(|status| (400..600).contains(status)))
}

/// The request's tokens and the model's maximum in OpenAI's sentence, which everybody copied:
/// "maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens".
fn sizes(message: &str) -> (Option<u64>, Option<u64>) {
    let Some((_, rest)) = message.split_once("maximum context length") else { return (None, None) };
    let mut numbers = rest
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().ok());
    let maximum = numbers.next().flatten();
    (numbers.next().flatten(), maximum)
}
