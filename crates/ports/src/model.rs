//! A model: asked with a [`Call`], answers with a stream of deltas that ends in the whole reply.
//! The gateway implements this over providers; scripted and offline models implement it too.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::BoxStream;
use largestack_engine::event::CallRecord;
use largestack_types::call::Call;
use largestack_types::delta::Delta;
use largestack_types::errors::Result;
use largestack_types::id::{EffectId, RunId};
use largestack_types::reply::Reply;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::BoxFuture;
use crate::ledger::BudgetKey;

/// What a stream of a reply yields.
#[derive(Debug)]
pub enum ModelEvent {
    /// A piece of the reply.
    Delta(Delta),
    /// Everything delivered so far is void: the call was begun again elsewhere.
    Restarted {
        /// Who goes on.
        model: Arc<str>,
    },
    /// The reply broke off and somebody else goes on from the text delivered so far, which stands.
    /// Tool calls that had begun are void: they are asked for again, counted from 0.
    Continued {
        /// Who goes on.
        model: Arc<str>,
    },
    /// The whole reply; always the last.
    Done(Box<Answer>),
}

/// A whole reply with what the call cost.
#[derive(Debug, Default)]
pub struct Answer {
    /// What the model said.
    pub reply: Reply,
    /// Cost, tokens, provider and flags. `usage`, `raw_usage`, `model`, `reply_id`, `extras` and
    /// `finish_reason_raw` are filled from `reply` by whoever records it; leave them empty.
    pub call: CallRecord,
}

/// The pieces of a reply; ends after [`ModelEvent::Done`] or an error. Dropping it cancels the
/// call and settles what it cost.
pub type ReplyStream = BoxStream<'static, Result<ModelEvent>>;

/// On whose behalf a call is made, and within which bounds.
#[derive(Clone)]
pub struct CallContext {
    /// Whose call it is.
    pub scope: Scope,
    /// The run.
    pub run: RunId,
    /// The effect within the run.
    pub effect: EffectId,
    /// The agent's name.
    pub agent: Arc<str>,
    /// Every scope in which money is reserved.
    pub budgets: Arc<[BudgetKey]>,
    /// Whether money for one more, smallest, call must remain after this one: true on every turn
    /// but the last.
    pub keep_for_last_turn: bool,
    /// When the call must be over.
    pub deadline: Option<Timestamp>,
    /// Where the run's wire session and bill are kept between turns.
    pub slot: RunSlot,
}

impl CallContext {
    /// A call that belongs to no agent's run: without a budget and without a deadline.
    pub fn alone(scope: Scope, run: RunId) -> Self {
        Self {
            scope,
            run,
            effect: EffectId::new(1),
            agent: "none".into(),
            budgets: Arc::new([]),
            keep_for_last_turn: false,
            deadline: None,
            slot: RunSlot::default(),
        }
    }
}

/// What a gateway keeps for a run between its calls: the encoded prefix of the conversation, and
/// the bill of a call that was dropped before its end.
#[derive(Clone, Default)]
pub struct RunSlot(Arc<Mutex<SlotState>>);

#[derive(Default)]
struct SlotState {
    session: Option<Box<dyn Any + Send>>,
    bill: Option<CallRecord>,
}

impl RunSlot {
    /// Takes the session out, if there is one of this type.
    pub fn take_session<T: Any + Send>(&self) -> Option<Box<T>> {
        self.lock().session.take().and_then(|session| session.downcast().ok())
    }

    /// Puts the session back for the next turn.
    pub fn put_session(&self, session: Box<dyn Any + Send>) {
        self.lock().session = Some(session);
    }

    /// Leaves the bill of a call that was dropped.
    pub fn leave_bill(&self, bill: CallRecord) {
        self.lock().bill = Some(bill);
    }

    /// Takes the bill of a call that was dropped or failed.
    pub fn take_bill(&self) -> Option<CallRecord> {
        self.lock().bill.take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SlotState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A model, or everything behind a gateway.
pub trait Model: Send + Sync + 'static {
    /// Begins a call. An error here, like one in the stream, is final: whoever implements this has
    /// retried what can be retried, and left the bill of failed attempts in the context's slot.
    fn call<'a>(
        &'a self,
        context: &'a CallContext,
        call: Call,
    ) -> BoxFuture<'a, Result<ReplyStream>>;
}

/// A stream of one event: for models that answer in one piece.
pub fn whole(answer: Answer) -> ReplyStream {
    Box::pin(futures::stream::once(std::future::ready(Ok(ModelEvent::Done(Box::new(answer))))))
}
