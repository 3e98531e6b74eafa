//! Folders and files that are not as they should be.

use std::fs;
use std::path::Path;

use largestack_ports::journal::{Batch, Journal};
use largestack_store::{Store, StoreError};
use largestack_types::errors::{Code, Coded};
use largestack_types::scope::Scope;
use rusqlite::Connection;

use crate::fixture::{block_on, events, open, options, owner, run};

fn error(folder: &Path) -> StoreError {
    Store::open(folder, options()).map(|_| ()).unwrap_err()
}

/// A store with three events of run 1, closed.
fn filled(folder: &Path) {
    let store = open(folder);
    let lease = block_on(store.claim(&Scope::local(), run(1), owner(1))).unwrap();
    store.append(&lease, events(1, 3)).unwrap();
}

fn change(folder: &Path, sql: &str) {
    let connection = Connection::open(folder.join("state.db")).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_schema_of_a_newer_version_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    change(folder.path(), "INSERT INTO largestack_schema VALUES (99)");
    let before = fs::read(folder.path().join("state.db")).unwrap();
    let error = error(folder.path());
    assert_eq!(error.code(), Code::JournalVersion);
    assert!(error.to_string().contains("version 99; this build knows up to 7"), "{error}");
    let error = Store::open_read_only(folder.path()).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::JournalVersion);
    assert_eq!(fs::read(folder.path().join("state.db")).unwrap(), before);
}

#[test]
fn an_event_of_a_newer_version_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    change(folder.path(), "UPDATE journal SET v = 9 WHERE seq = 2");
    let store = open(folder.path());
    let error = block_on(store.read(&Scope::local(), run(1), 0)).unwrap_err();
    assert_eq!(error.code(), Code::JournalVersion);
    assert!(error.message().contains("event 2"), "{error}");
    assert_eq!(block_on(store.read(&Scope::local(), run(1), 2)).unwrap(), events(3, 3).events);
}

#[test]
fn an_event_that_is_damaged_or_unknown_is_named() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    for damage in ["kind = 'never_heard_of'", "data = '{\"by\":'", "data = x'00ff'"] {
        change(folder.path(), &format!("UPDATE journal SET {damage} WHERE seq = 3"));
        let store = open(folder.path());
        let error = block_on(store.read(&Scope::local(), run(1), 0)).unwrap_err();
        assert_eq!(error.code(), Code::Journal, "{error}");
    }
}

#[test]
fn a_file_that_is_not_a_database_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let text = "shopping list\n".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = error(folder.path());
    assert_eq!(error.code(), Code::Store);
    assert!(error.to_string().contains("state.db is not a Largestack database"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_database_of_something_else_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    change(folder.path(), "CREATE TABLE recipes (name)");
    let before = fs::read(folder.path().join("state.db")).unwrap();
    assert!(matches!(error(folder.path()), StoreError::NotADatabase { .. }));
    assert_eq!(fs::read(folder.path().join("state.db")).unwrap(), before);
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    fs::write(&path, "").unwrap();
    let error = error(&path);
    assert_eq!(error.code(), Code::Store);
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

/// A folder nobody may write, not even root.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let root = fs::write(folder.path().join("probe"), "").is_ok();
    let path = if root { Path::new("/sys/kernel") } else { folder.path() };
    let error = error(path);
    assert_eq!(error.code(), Code::Store);
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn a_reader_sees_a_live_store_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Store::open_read_only(folder.path()).map(|_| ()).unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }));
    let live = open(folder.path());
    let lease = block_on(live.claim(&Scope::local(), run(1), owner(1))).unwrap();
    let reader = Store::open_read_only(folder.path()).unwrap();
    live.append(&lease, events(1, 2)).unwrap();
    block_on(live.durable()).unwrap();
    assert_eq!(block_on(reader.read(&Scope::local(), run(1), 0)).unwrap().len(), 2);
    let refusals = [
        block_on(reader.claim(&Scope::local(), run(2), owner(1))).map(|_| ()),
        reader.append(&lease, Batch::of(events(3, 3).events.remove(0))),
        block_on(reader.durable()),
        block_on(reader.release(&lease)),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.code(), Code::Store);
        assert!(error.message().contains("opened for reading only"), "{error}");
    }
}

#[test]
fn a_closed_store_is_read_where_no_file_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let copy = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("state.db"), copy.path().join("state.db")).unwrap();
    let reader = Store::open_read_only(copy.path()).unwrap();
    assert_eq!(block_on(reader.read(&Scope::local(), run(1), 0)).unwrap(), events(1, 3).events);
}
