//! The first half of an exchange: the request out, and the head of the reply in.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use largestack_ports::transport::{Method, Request, Response, Timeouts, Transport};
use largestack_types::call::Call;
use largestack_types::errors::{LargestackError, ProviderError, Result};
use largestack_wire::{Decoder, Mode, Patience, Session, shape, wait};

use crate::excerpt;
use crate::fault::never_left;
use crate::job::Job;
use crate::layers::meter::Kept;
use crate::route::There;

/// The types of streamed replies: server-sent events, AWS event streams, lines of JSON.
const STREAMS: [&str; 3] =
    ["text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson"];
/// As much of an error's body is read.
pub(crate) const MAX_ERROR_BYTES: usize = 64 << 10;

/// A reply whose head has arrived and is good.
pub(super) struct Sent {
    /// How its body is to be read: as it says itself, whatever was asked for.
    pub(super) mode: Mode,
    pub(super) body: BoxStream<'static, Result<Bytes>>,
    pub(super) decoder: Box<dyn Decoder + Send>,
}

impl Sent {
    pub(super) const fn streams(&self) -> bool {
        matches!(self.mode, Mode::Stream)
    }
}

/// Sends a call and looks at the head of the reply.
pub(super) async fn send(
    transport: &dyn Transport,
    timeouts: Option<Timeouts>,
    job: &Arc<Job>,
    call: &Call,
    there: &There,
) -> Result<Sent> {
    let slot = &job.context.slot;
    let mut kept = slot.take_session::<Kept>().unwrap_or_default();
    let common = there.beginning(call.stream);
    if let Some(common) = common.get().filter(|_| kept.session.is_new()) {
        kept.session = Session::of(common);
    }
    let encoded = shape::encode(there.wire, call, &there.target, &mut kept.session);
    if encoded.is_ok() && common.get().is_none() {
        // Another call may have been first: theirs says the same.
        kept.session.beginning().into_iter().for_each(|made| drop(common.set(made)));
    }
    slot.put_session(kept);
    let (encoded, method) = encoded?;
    let asked = encoded.mode;
    let request = Request {
        provider: there.target.provider.name.clone(),
        method: if encoded.method == "GET" { Method::Get } else { Method::Post },
        url: encoded.url,
        headers: encoded.headers,
        auth: there.auth.clone(),
        body: encoded.body,
        timeouts: timeouts.unwrap_or_else(|| patience(there.target.provider.timeouts, asked)),
    };
    let request = authorised(transport, request).await?;
    {
        let mut notes = job.notes();
        notes.sent = true;
        for setting in &encoded.dropped {
            notes.flag(&format!("dropped:{setting}"));
        }
        if let Some(method) = method {
            notes.flag(&format!("output:{}", method.name()));
        }
    }
    let mut response = departing(transport, request, job).await?;
    if !(200..300).contains(&response.status) {
        let body = beginning(&mut response.body, MAX_ERROR_BYTES).await;
        let headers = in_words(&response.headers);
        job.notes().retry_after_ms = wait::retry_after_ms(&headers);
        return Err(there.wire.fault(response.status, &headers, &body, &there.target));
    }
    let content_type = response.headers.get(CONTENT_TYPE);
    let content_type =
        content_type.map_or("", |value| value.to_str().unwrap_or("what no text says"));
    if let Some(mode) = reading(asked, content_type) {
        let decoder = shape::decoder(there.wire, mode, call, &there.target);
        return Ok(Sent { mode, body: response.body, decoder });
    }
    let body = beginning(&mut response.body, MAX_ERROR_BYTES).await;
    Err(wrong_type(there, response.status, content_type, &body))
}

/// The request with credentials that have to be fetched. Cut off here, nothing was sent.
pub(crate) async fn authorised(transport: &dyn Transport, request: Request) -> Result<Request> {
    if request.auth.is_fetched() { transport.authorised(request).await } else { Ok(request) }
}

/// Sends a request, and notes where it has not left after all: such a call costs nothing.
pub(crate) async fn departing(
    transport: &dyn Transport,
    request: Request,
    job: &Job,
) -> Result<Response> {
    let response = transport.send(request).await;
    if response.as_ref().is_err_and(never_left) {
        job.notes().sent = false;
    }
    response
}

/// How long a provider may take for a reply of this kind. A whole reply begins when it is finished.
pub(crate) fn patience(row: Patience, asked: Mode) -> Timeouts {
    let usual = Timeouts::default();
    let total = row.total.unwrap_or(usual.total);
    let streams = matches!(asked, Mode::Stream);
    Timeouts {
        connect: row.connect.unwrap_or(usual.connect),
        first_byte: if streams { row.first_byte.unwrap_or(usual.first_byte) } else { total },
        idle: row.idle.unwrap_or(usual.idle),
        total,
    }
}

/// Headers as a wire reads them.
pub(crate) fn in_words(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// How a body of this type is read; `None` when it is no reply. Some servers stream to nobody or
/// answer whole to a listener: what arrives is read as what it says it is.
fn reading(asked: Mode, content_type: &str) -> Option<Mode> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is("application/json") {
        Some(Mode::Whole)
    } else if essence.is_empty() {
        Some(asked)
    } else if STREAMS.into_iter().any(is) {
        Some(Mode::Stream)
    } else if essence.to_ascii_lowercase().ends_with("+json") {
        Some(Mode::Whole)
    } else {
        None
    }
}

/// The beginning of a body, as far as it comes.
pub(crate) async fn beginning(
    body: &mut BoxStream<'static, Result<Bytes>>,
    most: usize,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < most
        && let Some(Ok(chunk)) = body.next().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(most);
    bytes
}

/// A page instead of a reply: a wrong address, or somebody in between.
fn wrong_type(there: &There, status: u16, content_type: &str, body: &[u8]) -> LargestackError {
    let excerpt = excerpt::of(body);
    let content_type = excerpt::of(content_type.as_bytes());
    ProviderError {
        provider: there.target.provider.name.clone(),
        status: Some(status),
        detail: format!("answered with {content_type} instead of a reply: {excerpt}"),
        provider_code: None,
        request_id: None,
        transient: false,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_long_its_provider_may_take_and_the_rest_is_as_usual() {
        let minutes = |n| Some(std::time::Duration::from_mins(n));
        let row = Patience { first_byte: minutes(3), total: minutes(7), ..Patience::default() };
        let streamed = patience(row, Mode::Stream);
        let usual = Timeouts::default();
        assert_eq!((streamed.connect, streamed.idle), (usual.connect, usual.idle));
        assert_eq!((Some(streamed.first_byte), Some(streamed.total)), (minutes(3), minutes(7)));
        // Thinking for minutes before a whole reply is no fault.
        assert_eq!(Some(patience(row, Mode::Whole).first_byte), minutes(7));
    }

    #[test]
    fn a_reply_is_read_as_what_it_says_it_is() {
        for (content_type, mode) in [
            ("application/json; charset=utf-8", Some(Mode::Whole)),
            ("application/vnd.api+json", Some(Mode::Whole)),
            ("Text/Event-Stream;charset=utf-8", Some(Mode::Stream)),
            ("", Some(Mode::Stream)),
            ("text/html", None),
            ("image/png", None),
        ] {
            assert_eq!(reading(Mode::Stream, content_type), mode, "{content_type}");
        }
        assert_eq!(reading(Mode::Whole, ""), Some(Mode::Whole));
        assert_eq!(reading(Mode::Whole, "text/event-stream"), Some(Mode::Stream));
    }
}
