//! A model that says what a case's script says, turn by turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use largestack_config::Said;
use largestack_ports::BoxFuture;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::part::Body;
use largestack_types::reply::Reply;

use crate::scripted::{self, call};

/// The model's name.
pub(super) const NAME: &str = "script/case";

pub(super) struct Scripted {
    turns: Vec<Said>,
    next: AtomicUsize,
}

impl Scripted {
    pub(super) fn of(turns: &[Said]) -> Self {
        Self { turns: turns.to_vec(), next: AtomicUsize::new(0) }
    }

    fn take(&self) -> Result<Reply> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        if let Some(code) = self.turns.get(number).and_then(|said| said.error) {
            return Err(LargestackError::other(code, "the script of the case says so"));
        }
        self.turns.get(number).map(reply).ok_or_else(|| {
            let turns = self.turns.len();
            LargestackError::with_advice(
                Code::Input,
                format!("the script has {turns} turns, and the agent asked once more"),
                "End it with a turn that makes no calls",
            )
        })
    }
}

fn reply(said: &Said) -> Reply {
    let text = said.text.iter().map(|text| Body::Text(text.clone()));
    let calls = said.calls.iter().map(|(tool, arguments)| call(tool, arguments.as_str()));
    scripted::reply(text.chain(calls))
}

impl Model for Scripted {
    fn call<'a>(&'a self, _: &'a CallContext, _: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        scripted::given(self.take())
    }
}
