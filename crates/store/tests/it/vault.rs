//! What is sealed stays sealed.

use std::fs;
use std::path::Path;

use largestack_engine::Status;
use largestack_ports::journal::{Batch, Journal as _, RunSummary};
use largestack_ports::retention::{Retention, Rule};
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_store::Store;
use largestack_types::errors::{Code, Coded};
use largestack_types::scope::Scope;
use rusqlite::Connection;

use crate::fixture::{block_on, events, open, owner, run, summary, tenant};

const CARD: &str = "4111-1111-1111-1111";

fn pair(placeholder: &str, value: &str) -> (String, Sensitive) {
    (placeholder.to_owned(), Sensitive::new(value))
}

fn put(store: &Store, scope: &Scope, root: u128, placeholder: &str, value: &str) {
    let pairs = vec![pair(placeholder, value)];
    block_on(TokenVault::put(store, scope, run(root), pairs)).unwrap();
}

fn all(store: &Store, scope: &Scope, root: u128) -> Vec<(String, String)> {
    let pairs = block_on(store.all(scope, run(root))).unwrap();
    pairs.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
}

fn kept(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn change(folder: &Path, sql: &str) {
    let connection = Connection::open(folder.join("state.db")).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn pairs_come_back_in_order_by_tenant_and_run_tree() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (acme, other) = (tenant("acme"), tenant("other"));
    put(&store, &acme, 1, "<CARD_2>", "b");
    put(&store, &acme, 1, "<CARD_1>", "a");
    put(&store, &acme, 1, "<CARD_2>", "b again");
    put(&store, &acme, 2, "<CARD_1>", "of another run");
    let expected = [kept("<CARD_2>", "b again"), kept("<CARD_1>", "a")];
    assert_eq!(all(&store, &acme, 1), expected);
    assert_eq!(all(&store, &acme, 2), [kept("<CARD_1>", "of another run")]);
    assert_eq!(all(&store, &other, 1), []);
    drop(store);
    assert_eq!(all(&open(folder.path()), &acme, 1), expected);
}

#[test]
fn no_file_of_the_store_holds_a_value_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, &Scope::local(), 1, "<CARD_1>", CARD);
    let mut placeholders = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
            assert!(!holds(CARD), "{}", path.display());
            placeholders += usize::from(holds("<CARD_1>"));
        }
    }
    assert!(placeholders > 0, "looked into the wrong files");
}

#[test]
fn erased_values_are_gone_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let scope = Scope::local();
    put(&store, &scope, 1, "<CARD_1>", CARD);
    put(&store, &scope, 2, "<CARD_1>", CARD);
    block_on(store.erase(&scope, run(1))).unwrap();
    assert_eq!(all(&store, &scope, 1), []);
    assert_eq!(all(&store, &scope, 2), [kept("<CARD_1>", CARD)]);
}

#[test]
fn a_sealed_value_moved_to_another_place_does_not_open() {
    let moves = [
        "UPDATE vault_values SET placeholder = '<CARD_9>'",
        "UPDATE vault_values SET tenant = 'other'; UPDATE vault_keys SET tenant = 'other'",
        "UPDATE vault_values SET sealed = substr(sealed, 1, 20)",
    ];
    for sql in moves {
        let folder = tempfile::tempdir().unwrap();
        put(&open(folder.path()), &tenant("acme"), 1, "<CARD_1>", CARD);
        change(folder.path(), sql);
        let scope = if sql.contains("other") { tenant("other") } else { tenant("acme") };
        let error = block_on(open(folder.path()).all(&scope, run(1))).map(|_| ()).unwrap_err();
        assert!(error.message().contains("does not open"), "{sql}: {error}");
    }
}

#[test]
fn a_key_file_that_is_gone_or_another_is_an_error_and_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("vault.key");
    let store = open(folder.path());
    put(&store, &Scope::local(), 1, "<CARD_1>", CARD);
    let text = fs::read_to_string(&key).unwrap();
    let errors = || {
        let pairs = vec![pair("<CARD_2>", CARD)];
        [
            block_on(store.all(&Scope::local(), run(1))).map(|_| ()).unwrap_err(),
            block_on(TokenVault::put(&store, &Scope::local(), run(1), pairs)).unwrap_err(),
        ]
    };
    fs::remove_file(&key).unwrap();
    for error in errors() {
        assert_eq!(error.code(), Code::Store);
        assert!(error.message().contains("vault.key is gone"), "{error}");
    }
    let pairs = vec![pair("<CARD_1>", CARD)];
    let new = block_on(TokenVault::put(&store, &Scope::local(), run(2), pairs)).unwrap_err();
    assert!(new.message().contains("vault.key is gone"), "{new}");
    assert!(!key.exists());
    let another: String = text.chars().rev().collect();
    fs::write(&key, another.trim()).unwrap();
    private(&key);
    for error in errors() {
        assert!(error.message().contains("another key"), "{error}");
    }
    fs::write(&key, text).unwrap();
    assert_eq!(all(&store, &Scope::local(), 1), [kept("<CARD_1>", CARD)]);
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path) {}

/// Keeps a value of a run that is over, does something, and looks for its key in the closed file.
fn sealed_key_is_found_after(remove: impl Fn(&Store)) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lease = block_on(store.claim(&Scope::local(), run(1), owner(1))).unwrap();
    let ended = RunSummary { status: Status::Completed, ..summary(1, 1) };
    store.append(&lease, Batch { summary: Some(ended), ..events(1, 1) }).unwrap();
    block_on(store.release(&lease)).unwrap();
    put(&store, &Scope::local(), 1, "<CARD_1>", CARD);
    let sealed: Vec<u8> = Connection::open(folder.path().join("state.db"))
        .unwrap()
        .query_row("SELECT sealed FROM vault_keys", [], |row| row.get(0))
        .unwrap();
    let holds = || {
        let bytes = fs::read(folder.path().join("state.db")).unwrap();
        bytes.windows(sealed.len()).any(|window| window == sealed)
    };
    drop(store);
    assert!(holds(), "looked for the wrong bytes");
    let store = open(folder.path());
    remove(&store);
    drop(store);
    assert!(!folder.path().join("state.db-wal").exists());
    holds()
}

#[test]
fn an_erased_key_is_found_in_no_file_once_the_log_is_copied_back() {
    assert!(!sealed_key_is_found_after(|store| {
        block_on(store.erase(&Scope::local(), run(1))).unwrap();
    }));
}

#[test]
fn the_key_of_a_pruned_run_is_found_in_no_file_once_the_log_is_copied_back() {
    assert!(!sealed_key_is_found_after(|store| {
        let pruned = block_on(Retention::prune(store, &Scope::local(), Rule::default())).unwrap();
        assert_eq!(pruned.runs, 1);
    }));
}

#[test]
fn a_dry_run_of_prune_reads_where_another_process_writes_and_where_nothing_may_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lease = block_on(store.claim(&Scope::local(), run(1), owner(1))).unwrap();
    let ended = RunSummary { status: Status::Completed, ..summary(1, 1) };
    store.append(&lease, Batch { summary: Some(ended), ..events(1, 1) }).unwrap();
    block_on(store.release(&lease)).unwrap();
    block_on(store.durable()).unwrap();
    let rule = Rule { dry_run: true, ..Rule::default() };
    let looked = |store: &Store| block_on(Retention::prune(store, &Scope::local(), rule)).unwrap();
    let other = Connection::open(folder.path().join("state.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(looked(&store).runs, 1);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(looked(&Store::open_read_only(folder.path()).unwrap()).runs, 1);
}
