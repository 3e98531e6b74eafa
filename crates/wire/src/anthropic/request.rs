//! The request: a head, the conversation (from the session as far as it was encoded before), and
//! the tail with everything else. JSON text is written directly: the same call gives the same
//! bytes, and no tree is built.

use bytes::Bytes;
use largestack_types::call::{Call, PromptCache};

use super::host::Host;
use super::turns::Turns;
use super::{betas, settings};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::json::write;
use crate::model::Target;
use crate::session::Session;
use crate::wire::{HttpRequest, Mode, headers};

pub(super) fn encode(
    host: Host,
    call: &Call,
    target: &Target,
    session: &mut Session,
) -> Result<HttpRequest, EncodeError> {
    let cache = call.settings.prompt_cache;
    session.enter(key(cache), target);
    let url = session.url(call.stream, || target.address(host.path(call.stream), &[]))?;
    session.ready_tail(call, || settings::tail(host, call, target))?;
    let turns = Turns::new(host, &call.messages, target, cache);
    session.ready_messages(&call.messages, |out, index| turns.write(out, index))?;
    let limit = target.profile.output_limit(call.settings.max_output_tokens);
    let (messages, tail) = session.ready();
    let (tail, dropped) = tail.map_or((&[][..], Vec::new()), |t| (&t.text[..], t.dropped.clone()));
    let mut body = Vec::with_capacity(messages.len() + tail.len() + 128 + target.model.len());
    body.push(b'{');
    if host.names_model() {
        body.extend_from_slice(b"\"model\":");
        write_str(&mut body, &target.model);
        body.push(b',');
    }
    body.extend_from_slice(b"\"max_tokens\":");
    write(&mut body, &limit);
    body.extend_from_slice(messages);
    turns.end(&mut body);
    body.extend_from_slice(tail);
    body.push(b'}');
    let mode = if call.stream { Mode::Stream } else { Mode::Whole };
    let mut headers = headers(mode, target)?;
    if host == Host::Bedrock
        && mode == Mode::Stream
        && let Some((_, accept)) = headers.iter_mut().find(|(name, _)| name == "accept")
    {
        *accept = "application/vnd.amazon.eventstream".into();
    }
    if host.betas_in_header() {
        betas::add(&mut headers, call);
    }
    Ok(HttpRequest {
        method: "POST",
        url,
        headers,
        body: Bytes::from(body),
        mode,
        max_output_tokens: limit,
        dropped,
    })
}

/// What the session's text depends on beside the messages and the target.
const fn key(cache: Option<PromptCache>) -> &'static str {
    match cache {
        None => "anthropic-messages",
        Some(PromptCache::FiveMinutes) => "anthropic-messages, cached for 5m",
        Some(PromptCache::OneHour) => "anthropic-messages, cached for 1h",
    }
}
