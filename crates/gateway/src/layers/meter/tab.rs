//! The tab of one attempt: what it may cost, what was seen of it, and what is booked when it
//! ends, whichever way that is.

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::ledger::Reservation;
use largestack_ports::model::ModelEvent;
use largestack_types::delta::Delta;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use largestack_types::part::{Body, Part};
use largestack_types::reply::Reply;
use largestack_types::usage::Usage;

use super::Books;
use super::reserve::{Quote, Reserved};
use crate::fault::may_be_charged;
use crate::job::{Ask, Job, Notes};

/// Bytes of generated text that are booked as one token where nobody counted. English has about
/// four to a token and most other scripts about three; the estimate should not be the low one.
const BYTES_PER_TOKEN: u64 = 3;

/// What was set aside for an attempt, and what it has delivered.
pub(super) struct Tab {
    reservation: Option<Reservation>,
    quote: Quote,
    delivered: u64,
    job: Arc<Job>,
    books: Books,
    closed: bool,
}

type Settling = Option<BoxFuture<'static, Result<()>>>;

impl Tab {
    pub(super) fn open(reserved: Reserved, ask: &Ask, books: Books) -> Self {
        let Reserved { reservation, quote, .. } = reserved;
        Self { reservation, quote, delivered: 0, job: ask.job.clone(), books, closed: false }
    }

    /// Counts what a delta delivers.
    pub(super) fn saw(&mut self, event: &ModelEvent) {
        match event {
            ModelEvent::Delta(
                Delta::Text { text }
                | Delta::Reasoning { text }
                | Delta::Refusal { text }
                | Delta::Arguments { text, .. },
            ) => self.delivered += text.len() as u64,
            ModelEvent::Delta(Delta::ToolCall { name, .. }) => self.delivered += name.len() as u64,
            ModelEvent::Restarted { .. } => self.delivered = 0,
            _ => {}
        }
    }

    /// The attempt has its answer.
    pub(super) fn answered(&mut self, reply: &Reply) -> Settling {
        if reply.usage.output_tokens.is_none() {
            self.delivered = reply.parts.iter().map(length).sum();
        }
        self.close(|tab, notes| tab.charge(notes, reply.usage))
    }

    /// The attempt failed.
    pub(super) fn failed(&mut self, error: &LargestackError) -> Settling {
        self.close(|tab, notes| {
            let seen = tab.delivered > 0 || notes.usage.is_some();
            if notes.sent && (seen || may_be_charged(error)) {
                tab.charge_unanswered(notes)
            } else {
                Money::ZERO
            }
        })
    }

    /// Nobody waits for the attempt any more.
    pub(super) fn dropped(&mut self) -> Settling {
        self.close(|tab, notes| if notes.sent { tab.charge_unanswered(notes) } else { Money::ZERO })
    }

    fn close(&mut self, charge: impl FnOnce(&Self, &mut Notes) -> Money) -> Settling {
        self.closed = true;
        let used = {
            let mut notes = self.job.notes();
            let used = charge(self, &mut notes);
            // Beyond the range a total is of no use to anybody; the ledger refuses it itself.
            notes.bill.cost = notes.bill.cost.checked_add(used).unwrap_or(Money::MAX);
            used
        };
        let reservation = self.reservation.take()?;
        Some(self.books.settle(reservation, used))
    }

    fn charge_unanswered(&self, notes: &mut Notes) -> Money {
        let reported = notes.usage.unwrap_or_default();
        let used = self.charge(notes, reported);
        notes.bill.usage = notes.bill.usage.plus(self.complete(reported));
        used
    }

    /// What an attempt with this usage cost. What was not reported is estimated, and said to be.
    fn charge(&self, notes: &mut Notes, reported: Usage) -> Money {
        let Some(price) = self.quote.price.filter(|_| !self.quote.is_free()) else {
            return Money::ZERO;
        };
        if reported.input_tokens.is_none() || reported.output_tokens.is_none() {
            notes.flag("estimated");
        }
        if reported.output_tokens.is_some_and(|tokens| tokens > u64::from(self.quote.limit))
            || reported.input_tokens.is_some_and(|tokens| tokens > self.quote.input)
        {
            notes.flag("over_limit");
        }
        price.cost(&self.complete(reported)).unwrap_or_else(|_| {
            notes.flag("estimated");
            self.reservation.as_ref().map_or(Money::ZERO, |reservation| reservation.amount)
        })
    }

    /// The usage with what is missing estimated: all input that was sent, and the output that was
    /// delivered.
    fn complete(&self, reported: Usage) -> Usage {
        let generated = self.delivered.div_ceil(BYTES_PER_TOKEN).min(u64::from(self.quote.limit));
        Usage {
            input_tokens: reported.input_tokens.or(Some(self.quote.input)),
            output_tokens: reported.output_tokens.or(Some(generated)),
            ..reported
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        if !self.closed
            && let Some(settling) = self.dropped()
        {
            self.books.settle_behind(settling);
        }
    }
}

/// Bytes that a model generated for a part.
fn length(part: &Part) -> u64 {
    let bytes = match &part.body {
        Body::Text(text) | Body::Refusal(text) => text.len(),
        Body::Reasoning(reasoning) => reasoning.text.len(),
        Body::ToolCall(call) => call.name.len() + call.arguments.as_str().len(),
        _ => 0,
    };
    bytes as u64
}
