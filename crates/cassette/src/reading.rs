//! Giving a recorded exchange again.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use largestack_ports::transport::Response;
use largestack_types::errors::{LargestackError, ProviderError, Result};

use crate::asked::Ids;
use crate::exchange::{Body, Came, End, Exchange, Head};

/// What came of a recorded request, said with the ids of the one that asks now.
pub(crate) fn given(exchange: Exchange, ids: &Ids) -> Result<Response> {
    match exchange.came {
        Came::Failure(error) => Err(error),
        Came::Answer { head, chunks, end } => {
            let last = match end {
                End::Complete => None,
                End::Error(error) => Some(Err(error)),
                End::Dropped => Some(Err(over("nobody wanted more of this answer"))),
            };
            let chunks: Vec<Result<Bytes>> =
                chunks.iter().map(|chunk| Ok(said(chunk, ids))).chain(last).collect();
            let Head { status, headers } = head;
            Ok(Response { status, headers: read(&headers), body: stream::iter(chunks).boxed() })
        }
    }
}

/// What a request that nobody waited for comes to.
pub(crate) fn unanswered() -> LargestackError {
    over("nobody waited for an answer")
}

fn over(why: &str) -> LargestackError {
    let error = ProviderError {
        provider: "cassette".into(),
        status: None,
        detail: format!("the recording ends here: {why}"),
        provider_code: None,
        request_id: None,
        transient: false,
    };
    error.into()
}

/// The bytes of a chunk with the ids of now.
fn said(chunk: &Body, ids: &Ids) -> Bytes {
    let bytes = chunk.bytes().unwrap_or_default();
    match std::str::from_utf8(&bytes) {
        Ok(text) if ids.iter().any(|(name, _)| text.contains(name.as_str())) => {
            let said = ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
            Bytes::from(said)
        }
        _ => bytes,
    }
}

fn read(headers: &[(String, String)]) -> HeaderMap {
    let pair = |(name, value): &(String, String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    };
    headers.iter().filter_map(pair).collect()
}
