//! Work that asks models where requests are blocked: none but those of this process answers. A block
//! holds in one task; what that task spawns is blocked by whoever spawns it.

use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_gateway::block_model_requests;
use largestack_http::TokioTasks;
use largestack_ports::tasks::Tasks;

/// Does something that asks models.
pub(crate) async fn asking<T>(blocked: bool, work: impl Future<Output = T>) -> T {
    if blocked { block_model_requests(work).await } else { work.await }
}

/// What starts tasks in a process whose requests may be blocked.
pub(super) fn spawner(blocked: bool, tasks: &TokioTasks) -> Arc<dyn Tasks> {
    let tasks = tasks.clone();
    if blocked { Arc::new(BlockedTasks(tasks)) } else { Arc::new(tasks) }
}

struct BlockedTasks(TokioTasks);

impl Tasks for BlockedTasks {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.spawn(Box::pin(block_model_requests(work)));
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.spawn_blocking(work);
    }
}
