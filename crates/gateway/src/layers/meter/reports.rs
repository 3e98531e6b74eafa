//! When the ledger is told what an attempt has cost so far: what a process that dies has used is then
//! booked by that, and not in full.

use std::task::{Context, Poll};

use largestack_ports::BoxFuture;
use largestack_types::errors::Result;

/// The reports of one attempt.
#[derive(Default)]
pub(super) struct Reports {
    under_way: Option<BoxFuture<'static, Result<()>>>,
    /// Bytes delivered when the last one began.
    last: Option<u64>,
}

impl Reports {
    /// Bytes of generated text from one report to the next, about three hundred tokens. Each report
    /// is of as many bytes more, so that what is booked is not too little in between.
    pub(super) const EVERY: u64 = 1_024;

    /// Whether something was delivered that the ledger does not know of.
    pub(super) const fn due(&self, delivered: u64) -> bool {
        match self.last {
            None => delivered > 0,
            // Less where the reply was begun anew.
            Some(last) => delivered.abs_diff(last) >= Self::EVERY,
        }
    }

    /// Begins a report.
    pub(super) fn begin(&mut self, delivered: u64, reporting: BoxFuture<'static, Result<()>>) {
        self.last = Some(delivered);
        self.under_way = Some(reporting);
    }

    /// How the report under way ends; `None` where there is none.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<Poll<Result<()>>> {
        let polled = self.under_way.as_mut()?.as_mut().poll(cx);
        if polled.is_ready() {
            self.under_way = None;
        }
        Some(polled)
    }
}
