//! Layer 9, the end of the stack: one attempt at a provider (encode, send, decode), or at a model
//! of this process.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use largestack_ports::BoxFuture;
use largestack_ports::model::{Answer, ModelEvent, ReplyStream};
use largestack_ports::transport::{Timeouts, Transport};
use largestack_types::errors::{Code, LargestackError, ModelRequestsBlockedError, Result};
use tower::Service;

use crate::block::model_requests_are_blocked;
use crate::job::{Ask, Job};
use crate::route::Served;

mod incoming;
mod send;
mod whole;

use incoming::Incoming;
pub(crate) use send::{MAX_ERROR_BYTES, authorised, beginning, departing, in_words, patience};
pub(crate) use whole::unreadable;

/// Makes attempts.
#[derive(Clone)]
pub(crate) struct Exchange {
    transport: Arc<dyn Transport>,
    timeouts: Option<Timeouts>,
}

impl Exchange {
    pub(crate) fn new(transport: Arc<dyn Transport>, timeouts: Option<Timeouts>) -> Self {
        Self { transport, timeouts }
    }
}

/// An attempt that has been begun.
enum Opened {
    /// It is over already.
    Done(Box<Answer>),
    /// The provider streams.
    Streams(Box<Incoming>),
    /// A model of this process answers.
    Here(ReplyStream),
}

/// The reply of an attempt.
pub(crate) struct Attempt(State);

enum State {
    Opening(BoxFuture<'static, Result<Opened>>),
    Streams(Box<Incoming>),
    Here(ReplyStream),
    Over,
}

impl Service<Ask> for Exchange {
    type Response = Attempt;
    type Error = LargestackError;
    type Future = Ready<Result<Attempt>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let opening = open(self.transport.clone(), self.timeouts, ask);
        ready(Ok(Attempt(State::Opening(Box::pin(opening)))))
    }
}

async fn open(
    transport: Arc<dyn Transport>,
    timeouts: Option<Timeouts>,
    ask: Ask,
) -> Result<Opened> {
    let Ask { job, call, route, .. } = ask;
    match &route.served {
        Served::Here(model) => {
            job.notes().sent = true;
            model.call(&job.context, call).await.map(Opened::Here)
        }
        Served::Pool(_) => {
            let detail = format!("{} is a pool, and no model of it was chosen", route.name);
            Err(LargestackError::other(Code::Config, detail))
        }
        Served::There(there) => {
            refuse_if_blocked(&job, &route.name)?;
            if let Some(silent) = &there.silent {
                return Err(silent.clone());
            }
            let sent = send::send(&*transport, timeouts, &job, &call, there).await?;
            if sent.streams() {
                return Ok(Opened::Streams(Box::new(Incoming::new(sent, there, job, call.stream))));
            }
            whole::read(sent, there, &job).await.map(Opened::Done)
        }
    }
}

pub(crate) fn refuse_if_blocked(job: &Job, model: &Arc<str>) -> Result<()> {
    if job.blocked || model_requests_are_blocked() {
        return Err(ModelRequestsBlockedError { model: model.clone() }.into());
    }
    Ok(())
}

impl Stream for Attempt {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.0 {
                State::Opening(opening) => {
                    let opened = futures::ready!(opening.as_mut().poll(cx));
                    self.0 = match opened {
                        Ok(Opened::Streams(incoming)) => State::Streams(incoming),
                        Ok(Opened::Here(events)) => State::Here(events),
                        Ok(Opened::Done(answer)) => {
                            self.0 = State::Over;
                            return Poll::Ready(Some(Ok(ModelEvent::Done(answer))));
                        }
                        Err(error) => {
                            self.0 = State::Over;
                            return Poll::Ready(Some(Err(error)));
                        }
                    };
                }
                State::Streams(incoming) => return incoming.poll_event(cx),
                State::Here(events) => return events.as_mut().poll_next(cx),
                State::Over => return Poll::Ready(None),
            }
        }
    }
}
