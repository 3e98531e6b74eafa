//! The request: the contents (from the session as far as they were encoded before), the
//! instructions, and the tail with everything else. JSON text is written directly: the same call
//! gives the same bytes, and no tree is built.

use bytes::Bytes;
use largestack_types::call::Call;

use super::{NAME, contents, settings};
use crate::error::EncodeError;
use crate::model::Target;
use crate::session::Session;
use crate::wire::{HttpRequest, Mode, headers};

pub(super) fn encode(
    call: &Call,
    target: &Target,
    session: &mut Session,
) -> Result<HttpRequest, EncodeError> {
    session.enter(NAME, target);
    let mode = if call.stream { Mode::Stream } else { Mode::Whole };
    let url = session.url(call.stream, || match mode {
        Mode::Whole => target.address("/models/{model}:generateContent", &[]),
        Mode::Stream => target.address("/models/{model}:streamGenerateContent", &[("alt", "sse")]),
    })?;
    session.ready_tail(call, || settings::tail(call, target))?;
    session.ready_messages(&call.messages, |out, index| {
        contents::message(out, &call.messages, index, target)
    })?;
    let mut system = Vec::new();
    contents::system(&mut system, &call.messages, target)?;
    let (messages, tail) = session.ready();
    let (tail, dropped) = tail.map_or((&[][..], Vec::new()), |t| (&t.text[..], t.dropped.clone()));
    let bare = contents::is_bare(&call.messages);
    let mut body = Vec::with_capacity(messages.len() + system.len() + tail.len() + 32);
    body.extend_from_slice(b"{\"contents\":");
    body.extend_from_slice(if bare { b"" } else { b"[" });
    body.extend_from_slice(messages);
    body.extend_from_slice(contents::close(&call.messages));
    body.extend_from_slice(if bare { b"" } else { b"]" });
    body.extend_from_slice(&system);
    body.extend_from_slice(tail);
    body.push(b'}');
    Ok(HttpRequest {
        method: "POST",
        url,
        headers: headers(mode, target)?,
        body: Bytes::from(body),
        mode,
        max_output_tokens: target.profile.output_limit(call.settings.max_output_tokens),
        dropped,
    })
}
