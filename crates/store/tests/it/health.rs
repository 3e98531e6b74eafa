//! What `doctor` is told.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use bytes::Bytes;
use largestack_ports::blobs::Blobs;
use largestack_ports::journal::{Batch, Journal};
use largestack_store::Store;
use largestack_types::scope::Scope;

use crate::fixture::{block_on, events, open, owner, run, summary, tenant};

#[test]
fn a_sound_store_says_so_with_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lease = block_on(store.claim(&Scope::local(), run(1), owner(1))).unwrap();
    let batch = Batch { summary: Some(summary(1, 3)), ..events(1, 3) };
    store.append(&lease, batch).unwrap();
    let health = block_on(store.health()).unwrap();
    assert_eq!((health.schema, health.runs, health.events), (7, 1, 3));
    assert_eq!(health.problems, Vec::<String>::new());
    assert!(health.state_bytes > 0 && health.documents_bytes == 0);
    assert!(health.commit_us.is_some());
    assert!(!health.key_beside_state && health.key_problem.is_none());
    let reader = Store::open_read_only(folder.path()).unwrap();
    assert_eq!(block_on(reader.health()).unwrap().commit_us, None);
}

#[test]
fn a_damaged_page_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    {
        let store = open(folder.path());
        let lease = block_on(store.claim(&Scope::local(), run(1), owner(1))).unwrap();
        store.append(&lease, events(1, 2_000)).unwrap();
    }
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    let middle = fs::metadata(&path).unwrap().len() / 4096 / 2 * 4096;
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[0xff; 4096]).unwrap();
    drop(file);
    let store = Store::open_read_only(folder.path()).unwrap();
    let found = block_on(store.health());
    assert!(found.map_or(true, |health| !health.problems.is_empty()));
}

#[test]
fn bytes_are_kept_once_and_by_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let bytes = Bytes::from_static(b"a long tool result");
    let acme = tenant("acme");
    let hash = block_on(Blobs::put(&store, &acme, bytes.clone())).unwrap();
    assert_eq!(block_on(Blobs::put(&store, &acme, bytes.clone())).unwrap(), hash);
    assert_eq!(block_on(Blobs::get(&store, &acme, hash)).unwrap(), Some(bytes));
    assert_eq!(block_on(Blobs::get(&store, &tenant("other"), hash)).unwrap(), None);
}
