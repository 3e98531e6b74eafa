//! Work beside the caller, counted, so that a process can wait for it before it ends.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_ports::tasks::Tasks;
use tokio::runtime::{Handle, TryCurrentError};
use tokio::sync::watch;

/// Tasks of a tokio runtime.
#[derive(Clone)]
pub struct TokioTasks {
    runtime: Handle,
    open: Arc<watch::Sender<usize>>,
}

impl TokioTasks {
    /// On the runtime that the caller runs on.
    pub fn current() -> Result<Self, TryCurrentError> {
        Handle::try_current().map(Self::on)
    }

    /// On this runtime.
    pub fn on(runtime: Handle) -> Self {
        Self { runtime, open: Arc::new(watch::Sender::new(0)) }
    }

    /// How much work is under way.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until no work is under way: the last thing a process does.
    pub async fn finished(&self) {
        // The sender is held here, so there is no error to hear of.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    fn opened(&self) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(self.open.clone())
    }
}

/// Counts down however the work ends.
struct Open(Arc<watch::Sender<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl fmt::Debug for TokioTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioTasks").field("open", &self.open()).finish_non_exhaustive()
    }
}

impl Tasks for TokioTasks {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        let open = self.opened();
        self.runtime.spawn(async move {
            work.await;
            drop(open);
        });
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        let open = self.opened();
        self.runtime.spawn_blocking(move || {
            work();
            drop(open);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn shutdown_waits_for_tasks_blocking_work_and_tasks_that_panic() {
        let tasks = TokioTasks::current().unwrap();
        let done = Arc::new(AtomicU32::new(0));
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let count = done.clone();
        tasks.spawn(Box::pin(async move {
            released.await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
        }));
        let count = done.clone();
        tasks.spawn_blocking(Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        tasks.spawn(Box::pin(async { panic!("a task that panics is over too") }));
        assert!(tasks.open() >= 1);
        release.send(()).unwrap();
        tasks.finished().await;
        assert_eq!((tasks.open(), done.load(Ordering::SeqCst)), (0, 2));
    }

    #[tokio::test]
    async fn nothing_under_way_is_nothing_to_wait_for() {
        TokioTasks::current().unwrap().finished().await;
    }
}
