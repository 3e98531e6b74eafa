//! The small runtime of a store. Connections belong to whatever runtime they were made in; a store
//! is used from many, some of which have neither sockets nor timers. So it has one of its own, on
//! one thread, and every future of the store is polled as if it were in there.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use futures::future::BoxFuture;
use tokio::runtime::{Builder, Handle};

use crate::error::Result;
use crate::postgres::fault::ServerError;

/// A future that is polled, and dropped, inside a runtime.
pub(super) struct Inside<'a, T> {
    runtime: Handle,
    work: Option<BoxFuture<'a, T>>,
}

impl<'a, T> Inside<'a, T> {
    /// Polls `work` inside `runtime`.
    pub(super) const fn new(runtime: Handle, work: BoxFuture<'a, T>) -> Self {
        Self { runtime, work: Some(work) }
    }
}

impl<T> Future for Inside<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        let _inside = this.runtime.enter();
        match &mut this.work {
            Some(work) => work.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        // A connection that is given up goes back to its pool by a task.
        let _inside = self.runtime.enter();
        self.work = None;
    }
}

/// The thread that drives the connections.
pub(super) struct Driver {
    /// Its runtime.
    pub(super) runtime: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    /// Starts a thread with a runtime, and in there `open`, whose outcome is told; what it gives
    /// beside goes on until it ends by itself.
    pub(super) fn start<T, O, W>(
        open: impl FnOnce() -> O + Send + 'static,
        tell: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<Self>
    where
        T: Send + 'static,
        O: Future<Output = Result<(T, W)>>,
        W: Future<Output = ()>,
    {
        let failed = |source| ServerError::Other(sqlx::Error::Io(source));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let thread = std::thread::Builder::new().name("largestack-postgres".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async move {
                match open().await {
                    Ok((opened, work)) => {
                        tell(Ok(opened));
                        work.await;
                    }
                    Err(error) => tell(Err(error)),
                }
            });
        });
        Ok(Self { runtime: handle, thread: Some(thread.map_err(failed)?) })
    }

    /// Waits until what goes on in there has ended.
    pub(super) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has told its waiters already.
            let _ended = thread.join();
        }
    }
}
