//! The forms of the ledger that need nothing but memory.

use std::sync::Arc;

use largestack_ports::ledger::{Ledger, MemoryLedger, Sliced};
use largestack_testkit::FakeClock;
use largestack_testkit::ledger_suite::{Form, all};
use largestack_types::id::OwnerId;

struct Memory {
    ledger: MemoryLedger,
    clock: FakeClock,
    slices: bool,
}

impl Memory {
    fn boxed(slices: bool) -> Box<dyn Form> {
        let clock = FakeClock::default();
        let ledger = MemoryLedger::new(Arc::new(clock.clone()));
        Box::new(Self { ledger, clock, slices })
    }
}

impl Form for Memory {
    fn owner(&self, number: u128) -> Arc<dyn Ledger> {
        let owner = Arc::new(self.ledger.another_owner(OwnerId::from_u128(number)));
        if self.slices { Arc::new(Sliced::new(owner)) } else { owner }
    }

    fn clock(&self) -> FakeClock {
        self.clock.clone()
    }

    fn slices(&self) -> bool {
        self.slices
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_in_memory_keeps_the_laws() {
    all(&|| Memory::boxed(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_of_a_ledger_in_memory_keep_the_laws() {
    all(&|| Memory::boxed(true)).await;
}
