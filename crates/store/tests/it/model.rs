//! Random work of many runs against a model that is a list for each run.

use std::collections::BTreeMap;
use std::path::Path;

use largestack_ports::journal::{Journal, Lease};
use largestack_store::Store;
use largestack_types::errors::Coded;
use largestack_types::scope::Scope;
use proptest::prelude::*;

use crate::fixture::{self, block_on, events, owner, run, tenant};

#[derive(Clone, Debug)]
enum Step {
    Append { run: u8, count: u8 },
    Wrong { run: u8, ahead: bool },
    Durable,
    Release { run: u8 },
    Read { run: u8, after: u8 },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let run = 0..6_u8;
    prop_oneof![
        8 => (run.clone(), 1..5_u8).prop_map(|(run, count)| Step::Append { run, count }),
        1 => (run.clone(), any::<bool>()).prop_map(|(run, ahead)| Step::Wrong { run, ahead }),
        2 => Just(Step::Durable),
        1 => run.clone().prop_map(|run| Step::Release { run }),
        2 => (run, 0..20_u8).prop_map(|(run, after)| Step::Read { run, after }),
        1 => Just(Step::Reopen),
    ]
}

struct World<'a> {
    folder: &'a Path,
    store: Option<Store>,
    leases: BTreeMap<u8, Lease>,
    seqs: BTreeMap<u8, u64>,
}

impl World<'_> {
    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Runs are shared out over two tenants.
    fn scope(run: u8) -> Scope {
        if run.is_multiple_of(2) { Scope::local() } else { tenant("acme") }
    }

    fn lease(&mut self, number: u8) -> Lease {
        if let Some(lease) = self.leases.get(&number) {
            return lease.clone();
        }
        let scope = Self::scope(number);
        let claim = self.store().claim(&scope, run(number.into()), owner(1));
        let lease = block_on(claim).unwrap();
        self.leases.insert(number, lease.clone());
        lease
    }

    fn seq(&self, run: u8) -> u64 {
        self.seqs.get(&run).copied().unwrap_or(0)
    }

    fn check(&self, number: u8, after: u64) {
        let scope = Self::scope(number);
        let read = self.store().read(&scope, run(number.into()), after);
        assert_eq!(block_on(read).unwrap(), events(after + 1, self.seq(number)).events);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Append { run, count } => {
                let (lease, seq) = (self.lease(run), self.seq(run));
                let last = seq + u64::from(count);
                self.store().append(&lease, events(seq + 1, last)).unwrap();
                self.seqs.insert(run, last);
            }
            Step::Wrong { run, ahead } => {
                let (lease, seq) = (self.lease(run), self.seq(run));
                let wrong = if ahead { seq + 2 } else { seq };
                let error = self.store().append(&lease, events(wrong, wrong)).unwrap_err();
                assert!(error.message().contains("is next"), "{error}");
            }
            Step::Durable => block_on(self.store().durable()).unwrap(),
            Step::Release { run } => {
                if let Some(lease) = self.leases.remove(&run) {
                    block_on(self.store().release(&lease)).unwrap();
                }
            }
            Step::Read { run, after } => self.check(run, after.into()),
            Step::Reopen => {
                self.leases.clear();
                self.store = None;
                self.store = Some(fixture::open(self.folder));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_steps_leaves_what_the_model_says(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let store = Some(fixture::open(folder.path()));
        let (leases, seqs) = (BTreeMap::new(), BTreeMap::new());
        let mut world = World { folder: folder.path(), store, leases, seqs };
        for step in &steps {
            world.take(step);
        }
        world.take(&Step::Reopen);
        for run in 0..6 {
            world.check(run, 0);
        }
    }
}
