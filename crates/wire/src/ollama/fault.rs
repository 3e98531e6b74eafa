//! Errors: a sentence under `error`, refused or in the middle of a stream.

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::fault::{Complaint, classify};
use crate::json::{Fields, Object, Str, lenient};
use crate::model::Target;

#[derive(Debug, Default)]
struct Body<'a> {
    error: Str<'a>,
    message: Str<'a>,
}

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "error" => {
                self.error = lenient(raw.get());
                // A proxy's object around the sentence.
                if raw.get().starts_with('{') {
                    self.error = lenient::<Object<Self>>(raw.get()).0.message;
                }
            }
            "message" => self.message = lenient(raw.get()),
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
    let message = match said.error.non_empty().or_else(|| said.message.non_empty()) {
        Some(words) => words.into_owned(),
        None if text.trim_start().starts_with(['{', '[']) => String::new(),
        None if text.trim_start().starts_with('<') => "a web page instead of an answer".to_owned(),
        None => text.into_owned(),
    };
    classify(Some(status), headers, complaint(message), target)
}

/// The error that came inside a reply that had begun.
pub(super) fn in_reply(message: &str, target: &Target) -> LargestackError {
    let mut complaint = complaint(message.to_owned());
    if complaint.code.is_none() {
        // What breaks off a reply that had begun is the server's own trouble.
        complaint.kind = Some("server_error".to_owned());
    }
    classify(None, &[], complaint, target)
}

fn complaint(message: String) -> Complaint {
    let lower = message.to_ascii_lowercase();
    let too_long = ["context length", "context size", "input length exceeds", "prompt too long"];
    let code = too_long.iter().any(|phrase| lower.contains(phrase));
    let code = code.then(|| "context_length_exceeded".to_owned());
    Complaint { message, code, ..Complaint::default() }
}
