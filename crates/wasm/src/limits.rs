//! What a program may use: memory over all of its memories and tables, and time on the processor.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use largestack_ports::clock::Clock;
use wasmtime::ResourceLimiter;

/// Bytes that an element of a table takes, at most.
const ELEMENT: usize = 16;

/// Memory, counted over everything that a program asks for.
pub(crate) struct Memory {
    most: usize,
    used: usize,
}

impl Memory {
    pub(crate) const fn of(most: usize) -> Self {
        Self { most, used: 0 }
    }

    fn grows(&mut self, by: usize) -> bool {
        let used = self.used.saturating_add(by);
        let fits = used <= self.most;
        if fits {
            self.used = used;
        }
        fits
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grows(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grows(desired.saturating_sub(current).saturating_mul(ELEMENT)))
    }
}

/// Runs a future for so long on the processor, which it gives back often: `None` when that is over.
pub(crate) struct Timed<F> {
    pub(crate) future: Pin<Box<F>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) left: Duration,
}

impl<F: Future> Future for Timed<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let began = self.clock.monotonic();
        if let Poll::Ready(output) = self.future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let used = self.clock.monotonic().saturating_sub(began);
        self.left = self.left.saturating_sub(used);
        if self.left.is_zero() { Poll::Ready(None) } else { Poll::Pending }
    }
}
