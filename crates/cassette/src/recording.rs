//! Recording: the exchange passes through unchanged, and what passed is kept when it is over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{BoxStream, Stream};
use http::HeaderMap;
use largestack_ports::transport::Response;
use largestack_types::errors::{Coded as _, LargestackError, OtherError, Result};

use crate::asked::{Asked, Ids};
use crate::cassette::Tape;
use crate::exchange::{Body, Came, End, Exchange, Head};
use crate::redact::{Redactor, apply, dense, is_open_header, moved};

/// A request that is under way, recorded under its number.
pub(crate) struct Recorder {
    pub(crate) tape: Arc<Tape>,
    pub(crate) number: usize,
    pub(crate) asked: Asked,
    pub(crate) ids: Ids,
    /// Whether the answer is a secret as a whole.
    pub(crate) sealed: bool,
}

impl Recorder {
    /// Keeps that no answer came.
    pub(crate) fn failed(self, error: &LargestackError) {
        let redactor = self.redactor();
        let came = Came::Failure(clean_error(error, &redactor));
        self.tape.keep(self.number, Exchange { asked: self.asked, came });
    }

    /// The answer, which is kept when its body is over or nobody wants it any more.
    pub(crate) fn answered(self, response: Response) -> Response {
        let Response { status, headers, body } = response;
        let heard = Heard {
            recorder: Some(self),
            status,
            headers: headers.clone(),
            chunks: Vec::new(),
            body,
        };
        Response { status, headers, body: heard.boxed() }
    }

    /// What is taken out of an answer: values that are known by now, and ids of this run.
    fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::new(&self.tape.values());
        for (name, id) in &self.ids {
            redactor.replace(id, name);
        }
        redactor
    }

    fn keep(self, status: u16, headers: &HeaderMap, chunks: &[Bytes], end: End) {
        let redactor = self.redactor();
        let Some(chunks) = self.kept(chunks, headers, &redactor) else {
            let what = self.asked.title();
            return self.tape.refuse(what);
        };
        let open = headers.iter().filter(|(name, _)| is_open_header(name.as_str()));
        let open = open.filter_map(|(name, value)| {
            Some((name.to_string(), redactor.clean(value.to_str().ok()?)))
        });
        let head = Head { status, headers: open.collect() };
        let end = match end {
            End::Error(error) => End::Error(clean_error(&error, &redactor)),
            end => end,
        };
        let came = Came::Answer { head, chunks, end };
        self.tape.keep(self.number, Exchange { asked: self.asked, came });
    }

    /// The chunks as they may be kept; `None` where what must not be kept cannot be taken out.
    fn kept(
        &self,
        chunks: &[Bytes],
        headers: &HeaderMap,
        redactor: &Redactor,
    ) -> Option<Vec<Body>> {
        if self.sealed {
            return Some(vec![Body::of_text(crate::redact::MARKER.to_owned())]);
        }
        let whole = chunks.concat();
        let Ok(text) = std::str::from_utf8(&whole) else {
            let fits = !redactor.objects_to(&whole);
            return fits.then(|| chunks.iter().map(|chunk| Body::of_bytes(chunk)).collect());
        };
        let edits = redactor.edits(text);
        let done = apply(text, &edits);
        let is_json = headers
            .get(http::header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        if is_json && serde_json::from_str::<serde::de::IgnoredAny>(&done).is_ok() {
            return Some(vec![Body::of_dense(dense(&done))]);
        }
        let (mut at, mut begins, mut kept) = (0, 0, Vec::with_capacity(chunks.len()));
        for chunk in chunks {
            at += chunk.len();
            let ends = moved(at, &edits);
            match done.as_bytes().get(begins..ends) {
                Some(piece) if !piece.is_empty() => kept.push(Body::of_bytes(piece)),
                _ => {}
            }
            begins = ends.max(begins);
        }
        Some(kept)
    }
}

/// An error without what must not be kept; of one that does not bear its being taken out, e.g. from
/// a number, only the code and whether trying again can help.
fn clean_error(error: &LargestackError, redactor: &Redactor) -> LargestackError {
    let cleaned = serde_json::to_string(error).map(|text| redactor.clean(&text));
    let kept = cleaned.and_then(|text| serde_json::from_str(&text));
    kept.unwrap_or_else(|_| {
        OtherError {
            code: error.code(),
            detail: crate::redact::MARKER.to_owned(),
            advice: None,
            retryable: Some(error.retryable()),
            run: None,
        }
        .into()
    })
}

/// A body that is kept as it passes.
struct Heard {
    recorder: Option<Recorder>,
    status: u16,
    headers: HeaderMap,
    chunks: Vec<Bytes>,
    body: BoxStream<'static, Result<Bytes>>,
}

impl Heard {
    fn end(&mut self, end: End) {
        if let Some(recorder) = self.recorder.take() {
            recorder.keep(self.status, &self.headers, &self.chunks, end);
        }
    }
}

impl Stream for Heard {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.body.poll_next_unpin(cx));
        match &next {
            Some(Ok(chunk)) => self.chunks.push(chunk.clone()),
            Some(Err(error)) => {
                let end = End::Error(error.clone());
                self.end(end);
            }
            None => self.end(End::Complete),
        }
        Poll::Ready(next)
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.end(End::Dropped);
    }
}

#[cfg(test)]
mod tests {
    use largestack_types::errors::{Code, ProviderRateLimitError};

    use super::*;

    #[test]
    fn of_an_error_that_cannot_be_cleaned_only_the_code_is_kept() {
        let error = |retry_after_ms| {
            let detail = "wait, 4111 1111 1111 1111".to_owned();
            let provider = "p".into();
            let error =
                ProviderRateLimitError { provider, detail, retry_after_ms, exhausted: true };
            clean_error(&error.into(), &Redactor::new(&[]))
        };
        let LargestackError::ProviderRateLimitError(kept) = error(Some(7)) else { panic!() };
        assert_eq!((&*kept.detail, kept.retry_after_ms), ("wait, [CARD_REDACTED]", Some(7)));
        let kept = error(Some(4_111_111_111_111_111));
        assert_eq!((kept.code(), kept.retryable()), (Code::RateLimit, false));
        let kept = serde_json::to_string(&kept).unwrap();
        assert!(!kept.contains("4111"), "{kept}");
    }
}
