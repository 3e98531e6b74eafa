//! Errors: an exception named in a header, in the body's `__type`, or by the event of a stream.
//! The names and their statuses are those of the API reference's "Errors" of Converse and
//! ConverseStream, and of its "Common Error Types".

use std::borrow::Cow;

use largestack_types::error::Code;
use largestack_types::errors::LargestackError;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::fault::{Complaint, classify, header};
use crate::json::{Count, Fields, Object, Str, lenient};
use crate::model::Target;

#[derive(Debug, Default)]
struct Body<'a> {
    message: Str<'a>,
    kind: Str<'a>,
    original_status: Count,
    original_message: Str<'a>,
}

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "message" | "Message" => self.message = lenient(raw.get()),
            "__type" | "code" => self.kind = lenient(raw.get()),
            "originalStatusCode" => self.original_status = lenient(raw.get()),
            "originalMessage" => self.original_message = lenient(raw.get()),
            _ => {}
        }
        Ok(())
    }
}

/// The error that a refused request means.
pub(super) fn refused(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    target: &Target,
) -> LargestackError {
    let text = String::from_utf8_lossy(body);
    let named = header(headers, &["x-amzn-errortype"]).unwrap_or_default();
    meaning(Some(status), headers, named, &text, target)
}

/// The error that a stream's exception means.
pub(super) fn in_stream(exception: &str, payload: &str, target: &Target) -> LargestackError {
    meaning(None, &[], exception, payload, target)
}

/// Whether an event's name is an exception's.
pub(super) fn is_exception(event: &str) -> bool {
    ["Exception", "Error", "Failure", "Fault"].iter().any(|end| event.ends_with(end))
}

fn meaning(
    status: Option<u16>,
    headers: &[(String, String)],
    named: &str,
    text: &str,
    target: &Target,
) -> LargestackError {
    let Object(body) = lenient::<Object<Body<'_>>>(text.trim());
    let kind = body.kind.or_empty();
    let name = bare(if named.is_empty() { &kind } else { named });
    let mut message = match body.message.non_empty() {
        Some(message) => message.into_owned(),
        None if text.trim_start().starts_with(['{', '[']) => name.clone(),
        None => text.to_owned(),
    };
    if let Some(original) = body.original_message.non_empty().filter(|m| **m != *message) {
        message = format!("{message}: {original}");
    }
    let said = message.to_ascii_lowercase();
    if said.contains("model identifier is invalid") || is_missing(&name, &said) {
        return LargestackError::with_advice(
            Code::ModelUnknown,
            format!(
                "{} does not have the model `{}`: {message}",
                target.provider.name, target.model
            ),
            "Check the model's id, its region, and whether it needs an inference profile",
        );
    }
    let original = body.original_status.0.and_then(|status| u16::try_from(status).ok());
    let (status, code) = read_as(&name, status, original, &said);
    let kind = (!name.is_empty()).then_some(name);
    let complaint =
        Complaint { message, code: code.map(str::to_owned).or(kind), ..Complaint::default() };
    classify(status, headers, complaint, target)
}

/// The exception's name without its namespace and address, in the spelling of the reference.
fn bare(name: &str) -> String {
    let name = name.rsplit('#').next().unwrap_or(name);
    let name = name.split(':').next().unwrap_or(name).trim();
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn is_missing(name: &str, said: &str) -> bool {
    name == "ResourceNotFoundException" && (said.contains("model") || said.contains("profile"))
}

/// The status an exception stands for, and the common code where that says more.
fn read_as(
    name: &str,
    status: Option<u16>,
    original: Option<u16>,
    said: &str,
) -> (Option<u16>, Option<&'static str>) {
    match name {
        "ThrottlingException" | "TooManyRequestsException" => (Some(429), None),
        "ServiceQuotaExceededException" => (status, Some("insufficient_quota")),
        "ModelTimeoutException" => (Some(408), None),
        "ModelNotReadyException" => (Some(503), None),
        "ModelStreamErrorException" => {
            (original.filter(|status| *status >= 500).or(Some(500)), None)
        }
        "ModelErrorException" => (original.filter(|status| *status >= 500).or(status), None),
        "InternalServerException" | "InternalFailure" => (status.or(Some(500)), None),
        "ServiceUnavailableException" | "ServiceUnavailable" => (status.or(Some(503)), None),
        "ValidationException" if is_too_long(said) => {
            (status.or(Some(400)), Some("context_length_exceeded"))
        }
        "ValidationException" => (status.or(Some(400)), None),
        _ if refuses_credentials(name, said) => {
            (status.or(Some(403)), Some("authentication_error"))
        }
        "AccessDeniedException" => (status.or(Some(403)), None),
        _ if status == Some(400) && is_too_long(said) => (status, Some("context_length_exceeded")),
        _ => (status, None),
    }
}

/// Whether an exception is about the credentials. Access to a model is something that an
/// administrator opens, and no other key.
pub(crate) fn refuses_credentials(name: &str, said: &str) -> bool {
    match name {
        "AccessDeniedException" => !said.contains("access to the model"),
        _ => matches!(
            name,
            "UnrecognizedClientException"
                | "InvalidSignatureException"
                | "SignatureDoesNotMatch"
                | "IncompleteSignature"
                | "IncompleteSignatureException"
                | "MissingAuthenticationToken"
                | "MissingAuthenticationTokenException"
                | "InvalidClientTokenId"
                | "NotAuthorized"
                | "OptInRequired"
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "RequestExpired"
        ),
    }
}

/// The sentences of the models behind the service.
fn is_too_long(said: &str) -> bool {
    [
        "input is too long",
        "too many input tokens",
        "prompt is too long",
        "exceeds the maximum number of tokens",
        "context window",
        "maximum context length",
        "input tokens exceeds",
        "expected maxlength",
    ]
    .iter()
    .any(|phrase| said.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_without_namespace_and_address() {
        let long = "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/";
        assert_eq!(bare(long), "ValidationException");
        assert_eq!(bare("com.amazon.coral.service#ExpiredTokenException"), "ExpiredTokenException");
        assert_eq!(bare("throttlingException"), "ThrottlingException");
        assert_eq!(bare(""), "");
    }
}
