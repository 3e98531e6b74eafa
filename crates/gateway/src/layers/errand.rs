//! The end of the stack beside conversations: one request for vectors or for an order.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use largestack_ports::model::{Answer, ModelEvent};
use largestack_ports::reranker::Rank;
use largestack_ports::transport::{Method, Request, Timeouts, Transport};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::reply::Reply;
use largestack_types::usage::Usage;
use largestack_wire::embed::{EmbedCall, EmbedWire};
use largestack_wire::rerank::{RerankCall, RerankWire};
use largestack_wire::{DecodeError, HttpRequest, wait};
use tower::Service;

use super::exchange::{
    MAX_ERROR_BYTES, authorised, beginning, departing, in_words, patience, refuse_if_blocked,
    unreadable,
};
use crate::errand::{Errand, Found};
use crate::job::{Ask, Job};
use crate::route::{Served, There};

/// The largest body that is taken: the vectors of the largest batch fit many times over.
const MAX_BODY_BYTES: usize = 256 << 20;

/// Makes requests beside conversations.
#[derive(Clone)]
pub(crate) struct Errands {
    transport: Arc<dyn Transport>,
    timeouts: Option<Timeouts>,
}

impl Errands {
    pub(crate) fn new(transport: Arc<dyn Transport>, timeouts: Option<Timeouts>) -> Self {
        Self { transport, timeouts }
    }
}

impl Service<Ask> for Errands {
    type Response = BoxStream<'static, Result<ModelEvent>>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let done = run(self.transport.clone(), self.timeouts, ask);
        ready(Ok(futures::stream::once(done).boxed()))
    }
}

/// Who is spoken to, and in which protocol.
#[derive(Clone, Copy)]
enum Protocol {
    Embed(&'static dyn EmbedWire),
    Rerank(&'static dyn RerankWire),
}

/// What a reply says.
struct Said {
    found: Found,
    usage: Usage,
    raw_usage: Option<Json>,
    model: Option<Arc<str>>,
}

async fn run(
    transport: Arc<dyn Transport>,
    timeouts: Option<Timeouts>,
    ask: Ask,
) -> Result<ModelEvent> {
    let Ask { job, route, .. } = ask;
    let (Some(errand), Served::There(there)) = (&job.errand, &route.served) else {
        let detail = format!("{} embeds and ranks nothing", route.name);
        return Err(LargestackError::other(Code::Input, detail));
    };
    refuse_if_blocked(&job, &route.name)?;
    let protocol = match errand {
        Errand::Embed { .. } => Protocol::Embed(there.target.embed_wire()?),
        Errand::Rerank { .. } => Protocol::Rerank(there.target.rerank_wire()?),
    };
    let encoded = encode(protocol, errand, there)?;
    let body = send(&*transport, timeouts, &job, there, protocol, encoded).await?;
    let said = decode(protocol, errand, &body).map_err(|error| unreadable(there, &error, &body))?;
    let mut notes = job.notes();
    notes.usage = Some(said.usage).filter(|_| said.raw_usage.is_some());
    notes.found = Some(said.found);
    let Said { usage, raw_usage, model, .. } = said;
    let reply = Reply { usage, raw_usage, model, ..Reply::default() };
    Ok(ModelEvent::Done(Box::new(Answer { reply, ..Answer::default() })))
}

fn encode(protocol: Protocol, errand: &Errand, there: &There) -> Result<HttpRequest> {
    let encoded = match (protocol, errand) {
        (Protocol::Embed(wire), Errand::Embed { texts, purpose, dimensions }) => {
            let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
            let call = EmbedCall { texts: &texts, purpose: *purpose, dimensions: *dimensions };
            wire.encode(&call, &there.target)
        }
        (Protocol::Rerank(wire), Errand::Rerank { query, documents, top }) => {
            let documents: Vec<&str> = documents.iter().map(|text| &**text).collect();
            wire.encode(&RerankCall { query, documents: &documents, top: *top }, &there.target)
        }
        _ => return Err(mismatch()),
    };
    Ok(encoded?)
}

fn decode(protocol: Protocol, errand: &Errand, body: &[u8]) -> Result<Said, DecodeError> {
    match (protocol, errand) {
        (Protocol::Embed(wire), Errand::Embed { texts, purpose, dimensions }) => {
            let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
            let call = EmbedCall { texts: &texts, purpose: *purpose, dimensions: *dimensions };
            let said = wire.decode(&call, body)?;
            let found = Found::Vectors(said.vectors);
            Ok(Said { found, usage: said.usage, raw_usage: said.raw_usage, model: said.model })
        }
        (Protocol::Rerank(wire), Errand::Rerank { query, documents, top }) => {
            let documents: Vec<&str> = documents.iter().map(|text| &**text).collect();
            let call = RerankCall { query, documents: &documents, top: *top };
            let said = wire.decode(&call, body)?;
            let usage = Usage { searches: said.searches, ..said.usage };
            let ranks = said.ranks.iter().map(|r| Rank { index: r.index, score: r.score });
            let found = Found::Ranks(ranks.collect());
            Ok(Said { found, usage, raw_usage: said.raw_usage, model: said.model })
        }
        _ => Err(DecodeError::NotAReply { missing: "what was asked for" }),
    }
}

fn mismatch() -> LargestackError {
    LargestackError::other(Code::Unknown, "a protocol was asked for what it does not do")
}

async fn send(
    transport: &dyn Transport,
    timeouts: Option<Timeouts>,
    job: &Job,
    there: &There,
    protocol: Protocol,
    encoded: HttpRequest,
) -> Result<Bytes> {
    let request = Request {
        provider: there.target.provider.name.clone(),
        method: if encoded.method == "GET" { Method::Get } else { Method::Post },
        url: encoded.url,
        headers: encoded.headers,
        auth: there.auth.clone(),
        body: encoded.body,
        timeouts: timeouts
            .unwrap_or_else(|| patience(there.target.provider.timeouts, encoded.mode)),
    };
    let request = authorised(transport, request).await?;
    {
        let mut notes = job.notes();
        notes.sent = true;
        for setting in &encoded.dropped {
            notes.flag(&format!("dropped:{setting}"));
        }
    }
    let mut response = departing(transport, request, job).await?;
    if !(200..300).contains(&response.status) {
        let body = beginning(&mut response.body, MAX_ERROR_BYTES).await;
        let headers = in_words(&response.headers);
        job.notes().retry_after_ms = wait::retry_after_ms(&headers);
        let (status, target) = (response.status, &there.target);
        return Err(match protocol {
            Protocol::Embed(wire) => wire.fault(status, &headers, &body, target),
            Protocol::Rerank(wire) => wire.fault(status, &headers, &body, target),
        });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.body.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > MAX_BODY_BYTES {
            return Err(DecodeError::EventTooLarge { limit: MAX_BODY_BYTES }.at(&there.target));
        }
    }
    Ok(body.into())
}
