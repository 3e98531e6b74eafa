//! Rate limits that need nothing but memory.

use std::sync::Arc;

use largestack_ports::limits::{Limits, MemoryLimits};
use largestack_testkit::FakeClock;
use largestack_testkit::limits_suite::{Form, all};

struct Memory(Arc<MemoryLimits>, FakeClock);

impl Form for Memory {
    fn part(&self) -> Arc<dyn Limits> {
        self.0.clone()
    }

    fn clock(&self) -> FakeClock {
        self.1.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_in_memory_keep_the_laws() {
    all(&|| {
        let clock = FakeClock::default();
        Box::new(Memory(Arc::new(MemoryLimits::new(Arc::new(clock.clone()))), clock))
    })
    .await;
}
