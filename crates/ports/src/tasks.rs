//! Spawning: work that outlives its caller is owned by the process, not lost.

use futures::future::BoxFuture;

/// Runs work beside the caller.
pub trait Tasks: Send + Sync + 'static {
    /// Starts work that the process waits for when it shuts down.
    fn spawn(&self, work: BoxFuture<'static, ()>);

    /// Runs work that blocks a thread, off the async threads.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>);
}
