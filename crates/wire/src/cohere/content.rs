//! The content of messages: words as a string, or a list of typed blocks where there is more than
//! words or where it came as a list (a part's `native` says so).

use largestack_types::message::Message;
use largestack_types::part::{Arguments, Body, Media, MediaKind, MediaSource, Part};

use super::NAME;
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;

/// The mark of a part that stands in another field of the message than its content.
pub(super) const PLAN: &str = "tool_plan";

fn native(part: &Part) -> Option<FieldList<'_>> {
    FieldList::native(part.native.as_ref(), NAME)
}

/// The content of a system or user message.
pub(super) fn plain(
    said: &mut Writer<'_>,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    let sent = message.parts.iter().filter(|part| match &part.body {
        Body::Text(_) | Body::Refusal(_) | Body::Media(_) => true,
        Body::Unknown(_) => native(part).is_some(),
        _ => false,
    });
    let parts: Vec<&Part> = sent.collect();
    if let [only] = parts[..]
        && let (Body::Text(words) | Body::Refusal(words), None) = (&only.body, native(only))
    {
        said.text("content", words);
        return Ok(());
    }
    if parts.is_empty() && message.native.is_none() {
        said.text("content", "");
        return Ok(());
    }
    let mut list = said.inner_list("content");
    for part in parts {
        let native = native(part).unwrap_or_default();
        match &part.body {
            Body::Text(words) | Body::Refusal(words) => text(&mut list, words, &native),
            Body::Media(medium) => media(&mut list, medium, &native, target)?,
            Body::Unknown(raw) => list.raw_item(raw.as_str()),
            _ => {}
        }
    }
    list.end();
    Ok(())
}

/// What the model said: plan, content, calls, citations. Another protocol's reasoning is left out.
pub(super) fn assistant(said: &mut Writer<'_>, message: &Message) {
    let sent = message.parts.iter().filter(|part| match &part.body {
        Body::Text(words) | Body::Refusal(words) => !words.is_empty() || native(part).is_some(),
        Body::Reasoning(_) => native(part).is_some_and(|native| native.get(PLAN).is_none()),
        Body::Unknown(_) | Body::ServerTool(_) => native(part).is_some(),
        _ => false,
    });
    let parts: Vec<&Part> = sent.collect();
    match parts[..] {
        [] if message.tool_calls().next().is_some() || message.native.is_some() => {}
        [] => said.text("content", ""),
        [Part { body: Body::Text(words) | Body::Refusal(words), native: None, .. }] => {
            said.text("content", words);
        }
        _ => blocks(said, &parts),
    }
    let plan = message.parts.iter().find_map(|part| match &part.body {
        Body::Reasoning(thought) if native(part)?.get(PLAN).is_some() => Some(&*thought.text),
        _ => None,
    });
    if let Some(plan) = plan {
        said.text(PLAN, plan);
    }
    calls(said, message);
    let mut cited =
        message.parts.iter().filter_map(|part| native(part)?.get("citations")).peekable();
    if cited.peek().is_some() {
        let mut list = said.inner_list("citations");
        // Each is a list: what stands between its brackets.
        for raw in cited.filter_map(|raw| raw.trim().strip_prefix('[')?.strip_suffix(']')) {
            if !raw.trim().is_empty() {
                list.raw_item(raw);
            }
        }
        list.end();
    }
}

fn blocks(said: &mut Writer<'_>, parts: &[&Part]) {
    let mut list = said.inner_list("content");
    for part in parts {
        let native = native(part).unwrap_or_default();
        match &part.body {
            Body::Text(words) | Body::Refusal(words) => text(&mut list, words, &native),
            Body::Reasoning(thought) => {
                let mut block = Writer::object(list.item());
                block.text("type", "thinking");
                block.text("thinking", &thought.text);
                block.end();
            }
            Body::Unknown(raw) | Body::ServerTool(raw) => list.raw_item(raw.as_str()),
            _ => {}
        }
    }
    list.end();
}

fn calls(said: &mut Writer<'_>, message: &Message) {
    let mut calls = message.parts.iter().filter(|part| part.as_tool_call().is_some()).peekable();
    if calls.peek().is_none() {
        return;
    }
    let mut list = said.inner_list("tool_calls");
    for part in calls {
        let Some(call) = part.as_tool_call() else { continue };
        let mut entry = Writer::object(list.item());
        entry.text("id", &id(&call.provider_id, call.call));
        entry.text("type", "function");
        let mut function = entry.inner("function");
        function.text("name", &call.name);
        let words = match &call.arguments {
            Arguments::Json(json) => json.as_str(),
            Arguments::Malformed(words) => words,
        };
        write_str(function.key("arguments"), words);
        function.end();
        for (key, raw) in native(part).unwrap_or_default().iter() {
            entry.raw(key, raw);
        }
        entry.end();
    }
    list.end();
}

/// Appends a block of words.
pub(super) fn text(list: &mut Writer<'_>, words: &str, native: &FieldList<'_>) {
    let mut block = Writer::object(list.item());
    block.text("type", "text");
    block.text("text", words);
    for (key, raw) in native.iter().filter(|(key, _)| *key != "citations") {
        block.raw(key, raw);
    }
    block.end();
}

/// Appends an image: the only medium there is.
pub(super) fn media(
    list: &mut Writer<'_>,
    media: &Media,
    native: &FieldList<'_>,
    target: &Target,
) -> Result<(), EncodeError> {
    let url = match (media.kind, &media.source) {
        (MediaKind::Image, _) if !target.profile.images => None,
        (MediaKind::Image, MediaSource::Url(url)) => Some(url.to_string()),
        (MediaKind::Image, MediaSource::Base64(data)) => {
            Some(format!("data:{};base64,{data}", media.mime))
        }
        _ => None,
    };
    let Some(url) = url else {
        return Err(EncodeError::Unsupported {
            what: "media other than images by address or in the request".into(),
            provider: target.provider.name.clone(),
            model: target.model.clone(),
        });
    };
    let mut block = Writer::object(list.item());
    block.text("type", "image_url");
    let mut inner = block.inner("image_url");
    inner.text("url", &url);
    for (key, raw) in native.iter() {
        inner.raw(key, raw);
    }
    inner.end();
    block.end();
    Ok(())
}

/// The id under which call and result find each other: the provider's, or ours where it gave none.
pub(super) fn id(provider_id: &str, call: largestack_types::id::CallId) -> String {
    if provider_id.is_empty() { call.to_string() } else { provider_id.to_owned() }
}
