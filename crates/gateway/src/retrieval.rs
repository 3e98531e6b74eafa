//! Vectors and orders through the gateway: the same layers as a conversation's but the cache and
//! the fallbacks, which are for words.

use std::sync::Arc;

use futures::StreamExt as _;
use largestack_engine::event::CallRecord;
use largestack_ports::BoxFuture;
use largestack_ports::embedder::{EmbedRequest, Embedder, Embeddings};
use largestack_ports::model::{Answer, CallContext, ModelEvent, RunSlot};
use largestack_ports::reranker::{Ranking, RerankRequest, Reranker};
use largestack_types::errors::{Code, LargestackError, Result};

use crate::block::model_requests_are_blocked;
use crate::errand::{Errand, Found};
use crate::gateway::Gateway;
use crate::job::{Ask, Job};
use crate::reply::Reply;
use crate::route::{Route, Served};
use crate::step::Step as _;

/// The record of requests that were made one after the other. Dropped before it is taken, it is
/// left in the slot, behind what the request under way has left there.
struct Record {
    so_far: CallRecord,
    slot: RunSlot,
    taken: bool,
}

impl Record {
    fn new(slot: RunSlot) -> Self {
        Self { so_far: CallRecord::default(), slot, taken: false }
    }

    fn add(&mut self, mut one: CallRecord) -> Result<()> {
        let all = &mut self.so_far;
        all.cost = all.cost.checked_add(one.cost).map_err(|_| {
            LargestackError::other(Code::Budget, "the cost of a call is out of range")
        })?;
        all.usage = all.usage.plus(one.usage);
        all.model = one.model.take().or(all.model.take());
        all.provider = one.provider.take().or(all.provider.take());
        all.raw_usage = one.raw_usage.take().or(all.raw_usage.take());
        all.failed_attempts.append(&mut one.failed_attempts);
        for flag in one.flags {
            if !all.flags.contains(&flag) {
                all.flags.push(flag);
            }
        }
        Ok(())
    }

    fn take(mut self) -> CallRecord {
        self.taken = true;
        std::mem::take(&mut self.so_far)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.taken {
            if let Some(last) = self.slot.take_bill() {
                // Beyond the range nothing is left to be told; the ledger has refused it itself.
                let _range = self.add(last);
            }
            self.slot.leave_bill(std::mem::take(&mut self.so_far));
        }
    }
}

impl Gateway {
    /// Who is asked, where the agent's words may go there.
    fn route(&self, context: &CallContext, model: &Arc<str>) -> Result<Arc<Route>> {
        let route = self.shared.routes.get(model, self.clock.now())?;
        match self.shared.refused(&context.agent, &route) {
            Some(refused) => Err(refused),
            None => Ok(route),
        }
    }

    async fn run(
        &self,
        context: &CallContext,
        route: &Arc<Route>,
        errand: Errand,
        record: &mut Record,
    ) -> Result<Found> {
        let call = Errand::call(&route.name);
        let blocked = model_requests_are_blocked();
        let job = Arc::new(Job::errand(context.clone(), blocked, errand));
        let ask = Ask::new(job.clone(), call, route.clone());
        let mut events = Reply::new(self.errands.clone().begin(ask)?, job.clone());
        while let Some(event) = events.next().await {
            let ModelEvent::Done(answer) = event? else { continue };
            let Answer { reply, mut call } = *answer;
            (call.model, call.raw_usage, call.usage) = (reply.model, reply.raw_usage, reply.usage);
            record.add(call)?;
            let found = job.notes().found.take();
            return found.ok_or_else(nothing);
        }
        Err(nothing())
    }
}

fn nothing() -> LargestackError {
    LargestackError::other(Code::Provider, "the request ended without a reply")
}

/// The most texts of one request.
fn most_texts(route: &Route) -> Result<usize> {
    match &route.served {
        Served::There(there) => Ok(there.target.embed_wire()?.most_texts()),
        _ => Ok(usize::MAX),
    }
}

impl Embedder for Gateway {
    /// As many requests as the protocol's limit asks for, one after the other.
    fn embed<'a>(
        &'a self,
        context: &'a CallContext,
        request: EmbedRequest,
    ) -> BoxFuture<'a, Result<Embeddings>> {
        Box::pin(async move {
            let route = self.route(context, &request.model)?;
            let mut record = Record::new(context.slot.clone());
            let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(request.texts.len());
            for texts in request.texts.chunks(most_texts(&route)?) {
                let errand = Errand::Embed {
                    texts: texts.into(),
                    purpose: request.purpose,
                    dimensions: request.dimensions,
                };
                let Found::Vectors(more) = self.run(context, &route, errand, &mut record).await?
                else {
                    return Err(nothing());
                };
                let length = |vectors: &[Vec<f32>]| vectors.first().map(Vec::len);
                if !vectors.is_empty() && length(&vectors) != length(&more) {
                    let detail = format!("{} changed the length of its vectors", request.model);
                    return Err(LargestackError::other(Code::Provider, detail));
                }
                vectors.extend(more);
            }
            Ok(Embeddings { vectors, call: record.take() })
        })
    }
}

impl Reranker for Gateway {
    fn rerank<'a>(
        &'a self,
        context: &'a CallContext,
        request: RerankRequest,
    ) -> BoxFuture<'a, Result<Ranking>> {
        Box::pin(async move {
            let route = self.route(context, &request.model)?;
            let RerankRequest { query, documents, top, .. } = request;
            if documents.is_empty() {
                return Ok(Ranking::default());
            }
            let mut record = Record::new(context.slot.clone());
            let errand = Errand::Rerank { query, documents, top };
            let Found::Ranks(ranks) = self.run(context, &route, errand, &mut record).await? else {
                return Err(nothing());
            };
            Ok(Ranking { ranks, call: record.take() })
        })
    }
}
