//! Requests as the clients of the bench write them. Typed: how a server reads its callers' protocols
//! is not what is measured here.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::message::Message;
use largestack_types::part::PartId;
use serde::Deserialize;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    messages: Vec<Said<'a>>,
    max_tokens: Option<u32>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Said<'a> {
    role: &'a str,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

/// The call that a request means.
pub(super) fn call(body: &[u8], model: &Arc<str>) -> Result<Call> {
    let wrong = |error: &dyn Display| LargestackError::other(Code::Input, error.to_string());
    let body = str::from_utf8(body).map_err(|error| wrong(&error))?;
    let asked: Request<'_> = largestack_wire::read_json(body).map_err(|error| wrong(&error))?;
    let message = |(index, said): (u32, Said<'_>)| {
        let (id, text) = (PartId::new(0, index), &*said.content);
        Arc::new(match said.role {
            "system" => Message::system(id, text),
            _ => Message::user(id, text),
        })
    };
    Ok(Call {
        model: Arc::clone(model),
        messages: Arc::new((0..).zip(asked.messages).map(message).collect()),
        tools: Arc::default(),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(Settings { max_output_tokens: asked.max_tokens, ..Settings::default() }),
        stream: asked.stream,
    })
}
