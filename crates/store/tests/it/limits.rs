//! Rate limits in SQLite, over several stores of one folder.

use std::sync::Arc;

use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_ports::limits::Limits;
use largestack_store::{Options, Store};
use largestack_testkit::limits_suite::{Form, all};

struct Sqlite(tempfile::TempDir, FakeClock);

impl Form for Sqlite {
    fn part(&self) -> Arc<dyn Limits> {
        let options = Options::new(Arc::new(CountingIds::default()), Arc::new(self.1.clone()));
        Arc::new(Store::open(self.0.path(), options).unwrap())
    }

    fn clock(&self) -> FakeClock {
        self.1.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_in_sqlite_keep_the_laws() {
    all(&|| Box::new(Sqlite(tempfile::tempdir().unwrap(), FakeClock::default()))).await;
}
