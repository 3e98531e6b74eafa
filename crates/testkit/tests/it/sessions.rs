//! Sessions that need nothing but memory.

use std::sync::Arc;

use largestack_ports::journal::MemoryJournal;
use largestack_testkit::FakeClock;
use largestack_testkit::sessions_suite::all;

#[tokio::test]
async fn sessions_in_memory_keep_the_laws() {
    all(&|| {
        let clock = FakeClock::default();
        (Arc::new(MemoryJournal::new(Arc::new(clock.clone()))), clock)
    })
    .await;
}
