//! The tab of one attempt: what it may cost, what was seen of it, and what is booked when it
//! ends, whichever way that is.

use std::sync::Arc;
use std::task::{Context, Poll};

use largestack_ports::BoxFuture;
use largestack_ports::ledger::Reservation;
use largestack_ports::model::ModelEvent;
use largestack_types::delta::Delta;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use largestack_types::part::{Body, Part};
use largestack_types::reply::Reply;
use largestack_types::usage::Usage;
use largestack_wire::price::{Bill, Bounds, Tier, served};

use super::Books;
use super::reports::Reports;
use super::reserve::{Quote, Reserved};
use crate::fault::may_be_charged;
use crate::job::{Ask, Job, Notes};

/// Bytes of generated text that are booked as one token where nobody counted. English has about
/// four to a token and most other scripts about three; the estimate should not be the low one.
const BYTES_PER_TOKEN: u64 = 3;

/// Bytes beyond which no tokeniser's tokens go on average: what is longer than this times the limit
/// is longer than the limit.
const MOST_BYTES_PER_TOKEN: u64 = 8;

/// Bytes between two looks at whether an attempt is still within its limit.
const LOOK_EVERY: u64 = 1_024;

/// What was set aside for an attempt, and what it has delivered.
pub(super) struct Tab {
    reservation: Option<Arc<Reservation>>,
    /// What was set aside in addition, when the provider went on beyond its limit.
    more: Vec<Reservation>,
    quote: Quote,
    delivered: u64,
    /// Tokens of output that are paid for.
    covered: u64,
    /// Bytes at which to look again; before as many as the limit has tokens it cannot be passed.
    look_at: u64,
    reports: Reports,
    job: Arc<Job>,
    books: Books,
    closed: bool,
}

/// How a tab is closed.
pub(super) enum Settling {
    /// It is, or could not be.
    Settled(Result<()>),
    /// The ledger has to wait for somebody.
    Waits(BoxFuture<'static, Result<()>>),
}

impl Tab {
    pub(super) fn open(reserved: Reserved, ask: &Ask, books: Books) -> Self {
        let Reserved { reservation, quote, .. } = reserved;
        let covered = u64::from(quote.limit);
        Self {
            reservation: reservation.map(Arc::new),
            more: Vec::new(),
            quote,
            delivered: 0,
            covered,
            look_at: covered,
            reports: Reports::default(),
            job: ask.job.clone(),
            books,
            closed: false,
        }
    }

    /// Sets money aside for as much output again, once the provider has gone beyond what it was
    /// told to keep to.
    pub(super) fn beyond(&mut self) -> Option<BoxFuture<'static, Result<Reservation>>> {
        if self.delivered <= self.look_at {
            return None;
        }
        let keys = self.reservation.as_ref()?.keys.clone();
        self.look_at = self.delivered.saturating_add(LOOK_EVERY);
        let reported = self.job.notes().usage.and_then(|usage| usage.output_tokens);
        let tokens = reported.unwrap_or(0).max(self.delivered / MOST_BYTES_PER_TOKEN);
        if tokens <= self.covered {
            return None;
        }
        let more = Bounds { input: 0, ..self.quote.bounds(u64::from(self.quote.limit)) };
        let amount = self.quote.price.as_ref()?.worst_case(more).ok()?;
        Some(self.books.reserve(keys, amount))
    }

    /// There was money for as much again.
    pub(super) fn cover(&mut self, more: Reservation) {
        self.covered = self.covered.saturating_add(u64::from(self.quote.limit));
        self.more.push(more);
    }

    /// Tells the ledger what the attempt has cost so far, where that has moved on, beside the reply:
    /// one report at a time, and always of what is known when it begins. An error says that there is
    /// no money for more.
    pub(super) fn report(&mut self, cx: &mut Context<'_>) -> Result<()> {
        loop {
            match self.reports.poll(cx) {
                Some(Poll::Pending) => return Ok(()),
                Some(Poll::Ready(Err(error @ LargestackError::BudgetExceededError(_)))) => {
                    return Err(error);
                }
                // What could not be reported is booked at what was, or in full.
                Some(Poll::Ready(_)) | None => {}
            }
            let Some(reservation) =
                self.reservation.as_ref().filter(|_| self.reports.due(self.delivered))
            else {
                return Ok(());
            };
            let Some(seen) = self.seen() else { return Ok(()) };
            let reporting = self.books.report(reservation.clone(), seen);
            self.reports.begin(self.delivered, reporting);
        }
    }

    /// What the attempt has cost by the time of the next report, at the most.
    fn seen(&self) -> Option<Money> {
        let reported = self.job.notes().usage.unwrap_or_default();
        let ahead = self.delivered.saturating_add(Reports::EVERY).div_ceil(BYTES_PER_TOKEN);
        let output = ahead.max(reported.output_tokens.unwrap_or(0));
        let usage = Usage { output_tokens: Some(output), ..self.complete(reported) };
        let seen = self.quote.price.as_ref()?.cost(&usage, self.quote.tier).ok()?.cost;
        // For what goes beyond it, more is set aside.
        Some(seen.min(self.reservation.as_ref()?.amount))
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
        let served = served(reply.raw_usage.as_ref(), reply.extras.as_ref());
        self.close(|tab, notes| {
            let tier = served.unwrap_or_else(|word| {
                notes.flag(&format!("unpriced:{word}"));
                // Not the tier that was asked for, which may be cheaper.
                Tier::Standard
            });
            tab.charge(notes, reply.usage, tier)
        })
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
        match self.reservation.take() {
            Some(reservation) => {
                self.books.settle(reservation, used, std::mem::take(&mut self.more))
            }
            None => Settling::Settled(Ok(())),
        }
    }

    fn charge_unanswered(&self, notes: &mut Notes) -> Money {
        let reported = notes.usage.unwrap_or_default();
        let used = self.charge(notes, reported, self.quote.tier);
        notes.bill.usage = notes.bill.usage.plus(self.complete(reported));
        used
    }

    /// What an attempt with this usage cost. What was not reported is estimated, and said to be.
    fn charge(&self, notes: &mut Notes, reported: Usage, tier: Tier) -> Money {
        let Some(price) = self.quote.price.as_ref().filter(|price| !price.is_free()) else {
            return Money::ZERO;
        };
        if self.is_incomplete(reported) {
            notes.flag("estimated");
        }
        if self.is_over()
            || reported.output_tokens.is_some_and(|tokens| tokens > u64::from(self.quote.limit))
            || reported.input_tokens.is_some_and(|tokens| tokens > self.quote.input)
                && self.quote.searches == 0
            || reported.searches.is_some_and(|made| made > self.quote.searches)
                && self.quote.searches > 0
        {
            notes.flag("over_limit");
        }
        let Ok(Bill { cost, unpriced }) = price.cost(&self.complete(reported), tier) else {
            notes.flag("estimated");
            let set_aside = self.reservation.as_ref().map(|reservation| reservation.amount);
            return set_aside.unwrap_or(Money::ZERO);
        };
        if let Some(what) = unpriced {
            notes.flag(&format!("unpriced:{what}"));
        }
        cost
    }

    /// Whether a count that is paid for was not reported.
    const fn is_incomplete(&self, reported: Usage) -> bool {
        if self.quote.searches > 0 {
            return reported.searches.is_none();
        }
        let output = self.quote.limit > 0 && reported.output_tokens.is_none();
        reported.input_tokens.is_none() || output
    }

    /// Whether more was delivered than the limit can have been.
    fn is_over(&self) -> bool {
        self.delivered / MOST_BYTES_PER_TOKEN > u64::from(self.quote.limit)
    }

    /// The usage with what is missing estimated: all input that was sent, and the output that was
    /// delivered.
    fn complete(&self, reported: Usage) -> Usage {
        let mut generated = self.delivered.div_ceil(BYTES_PER_TOKEN);
        if !self.is_over() {
            generated = generated.min(u64::from(self.quote.limit));
        }
        Usage {
            input_tokens: reported.input_tokens.or(Some(self.quote.input)),
            output_tokens: reported.output_tokens.or(Some(generated)),
            searches: reported
                .searches
                .or((self.quote.searches > 0).then_some(self.quote.searches)),
            ..reported
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        if !self.closed {
            let settling = self.dropped();
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
