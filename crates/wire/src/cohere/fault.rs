//! Errors: a sentence under `message`, with or without an id beside it
//! (docs.cohere.com/reference/errors).

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::fault::{Complaint, classify};
use crate::json::{Fields, Object, Str, lenient};
use crate::model::Target;

#[derive(Debug, Default)]
struct Body<'a> {
    message: Str<'a>,
    error: Str<'a>,
    data: Str<'a>,
}

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "message" => self.message = lenient(raw.get()),
            "error" => self.error = lenient(raw.get()),
            "data" => self.data = lenient(raw.get()),
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
    let Object(said) = lenient::<Object<Body<'_>>>(text.trim());
    let words = said.message.non_empty().or_else(|| said.error.non_empty());
    let words = words.or_else(|| said.data.non_empty());
    let is_json = text.trim_start().starts_with(['{', '[']);
    let message = match words {
        Some(words) => words.into_owned(),
        None if is_json => String::new(),
        None if text.trim_start().starts_with('<') => "a web page instead of an answer".to_owned(),
        None => text.into_owned(),
    };
    // 498 is this provider's word for a key that is not valid.
    let status = if status == 498 { 401 } else { status };
    classify(Some(status), headers, complaint(message), target)
}

/// The error that came inside a reply that had begun.
pub(super) fn in_reply(message: &str, target: &Target) -> LargestackError {
    let mut complaint = complaint(message.to_owned());
    if complaint.code.is_none() {
        // What breaks off a reply that had begun is the provider's own trouble.
        complaint.kind = Some("server_error".to_owned());
    }
    classify(None, &[], complaint, target)
}

fn complaint(message: String) -> Complaint {
    let lower = message.to_ascii_lowercase();
    let too_long = lower.contains("too many tokens") || lower.contains("context length");
    let code = too_long.then(|| "context_length_exceeded".to_owned());
    Complaint { message, code, ..Complaint::default() }
}
