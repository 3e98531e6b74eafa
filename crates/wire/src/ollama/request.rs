//! The request: a head, the messages (from the session as far as they were encoded before), and
//! the tail with everything else.

use bytes::Bytes;
use largestack_types::call::Call;

use super::{NAME, message, settings};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;
use crate::session::Session;
use crate::wire::{HttpRequest, Mode, headers_accepting};

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/api/chat";

pub(super) fn encode(
    call: &Call,
    target: &Target,
    session: &mut Session,
) -> Result<HttpRequest, EncodeError> {
    session.enter(NAME, target);
    let url = session.url(call.stream, || target.address(PATH, &[]))?;
    session.ready_tail(call, || settings::tail(call, target))?;
    session.ready_messages(&call.messages, |out, index| {
        call.messages.get(index).map_or(Ok(()), |said| message::write(out, said, target))
    })?;
    let (messages, tail) = session.ready();
    let (tail, dropped) = tail.map_or((&[][..], Vec::new()), |t| (&t.text[..], t.dropped.clone()));
    let mut body = Vec::with_capacity(messages.len() + tail.len() + 128);
    body.extend_from_slice(b"{\"model\":");
    write_str(&mut body, &target.model);
    body.extend_from_slice(b",\"messages\":[");
    body.extend_from_slice(messages);
    body.push(b']');
    body.extend_from_slice(tail);
    body.push(b'}');
    let (mode, accept) = if call.stream {
        (Mode::Stream, "application/x-ndjson")
    } else {
        (Mode::Whole, "application/json")
    };
    Ok(HttpRequest {
        method: "POST",
        url,
        headers: headers_accepting(accept, target)?,
        body: Bytes::from(body),
        mode,
        max_output_tokens: target.profile.output_limit(call.settings.max_output_tokens),
        dropped,
    })
}
