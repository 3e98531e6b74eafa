//! Blocked requests: inside this future no model call leaves the process. For tests that must not
//! reach a provider by accident, whatever keys the machine has.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use largestack_ports::tasks::Tasks;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs a future in which every attempt to reach a provider fails with `LARGESTACK_MODEL_BLOCKED`.
/// Of this task, and of the runs it starts where the runtime's tasks are [`InheritingTasks`]; others
/// are not touched.
pub fn block_model_requests<F: Future>(future: F) -> impl Future<Output = F::Output> {
    Blocked(Box::pin(future))
}

/// Whether the caller runs inside [`block_model_requests`].
pub fn model_requests_are_blocked() -> bool {
    DEPTH.get() > 0
}

/// Starts tasks in which model requests are blocked if they are blocked for whoever starts them, so
/// that a detached run reaches no provider either.
pub struct InheritingTasks(pub Arc<dyn Tasks>);

impl Tasks for InheritingTasks {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        let blocked = model_requests_are_blocked();
        self.0.spawn(if blocked { Box::pin(block_model_requests(work)) } else { work });
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.spawn_blocking(work);
    }
}

struct Blocked<F>(Pin<Box<F>>);

/// Ends the block when the poll ends, also by a panic.
struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

impl<F: Future> Future for Blocked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        DEPTH.set(DEPTH.get() + 1);
        let _entered = Entered;
        self.0.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_block_holds_inside_its_future_and_nowhere_else() {
        let (open, opened) = tokio::sync::oneshot::channel::<()>();
        let blocked = block_model_requests(async {
            assert!(model_requests_are_blocked());
            block_model_requests(async {}).await;
            opened.await.unwrap();
            model_requests_are_blocked()
        });
        let beside = async {
            let free = !model_requests_are_blocked();
            open.send(()).unwrap();
            free
        };
        assert_eq!(futures::join!(blocked, beside), (true, true));
        assert!(!model_requests_are_blocked());
    }
}
