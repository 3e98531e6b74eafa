//! Sessions in SQLite: the laws, and what is on the disk.

use std::sync::Arc;

use largestack_ports::approvals::{Answer, Approvals as _, Question, Right, Terms};
use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_ports::journal::{Batch, Journal};
use largestack_ports::sessions::{
    Exchange, IfAbsent, Remembered, SessionKey, Sessions, vault_root,
};
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_store::{Options, Store};
use largestack_testkit::sessions_suite::all;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::SessionId;
use largestack_types::message::Message;
use largestack_types::part::PartId;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::fixture::{block_on, event, open, owner, run};

const SESSION: SessionId = SessionId::from_u128(1);

fn key() -> SessionKey {
    SESSION.into()
}

#[tokio::test]
async fn sessions_in_sqlite_keep_the_laws() {
    let folders = std::sync::Mutex::new(Vec::new());
    all(&|| {
        let (folder, clock) = (tempfile::tempdir().unwrap(), FakeClock::default());
        let options = Options::new(Arc::new(CountingIds::default()), Arc::new(clock.clone()));
        let store = Store::open(folder.path(), options).unwrap();
        folders.lock().unwrap().push(folder);
        (Arc::new(store), clock)
    })
    .await;
}

/// A run that says something in the session.
fn say(store: &Store, number: u128, said: &str) {
    let lease = block_on(store.claim(&Scope::local(), run(number), owner(1))).unwrap();
    block_on(store.hold(&lease, &key(), IfAbsent::Make(None))).unwrap();
    let messages = vec![Arc::new(Message::user(PartId::new(0, 1), said))];
    let exchange = Exchange { run: run(number), at: Timestamp::from_micros(0), messages };
    let memory = Some(Remembered { session: SESSION, exchange: Some(exchange), digest: None });
    store.append(&lease, Batch { events: vec![event(1)], memory, ..Batch::default() }).unwrap();
    block_on(store.durable()).unwrap();
    block_on(store.release(&lease)).unwrap();
}

fn heard(store: &Store) -> Vec<String> {
    let said = block_on(store.load(&Scope::local(), SESSION)).unwrap().unwrap();
    said.exchanges.iter().flat_map(|exchange| &exchange.messages).map(|m| m.text()).collect()
}

#[test]
fn what_was_said_outlives_the_process_and_is_nowhere_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    say(&store, 1, "the word is quixotic");
    drop(store);
    for file in ["state.db", "state.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(8).any(|window| window == b"quixotic"), "{file}");
    }
    let store = open(folder.path());
    assert_eq!(heard(&store), ["the word is quixotic"]);
    drop(store);
    // Without the key it stays sealed.
    std::fs::remove_file(folder.path().join("vault.key")).unwrap();
    let store = open(folder.path());
    assert!(block_on(store.load(&Scope::local(), SESSION)).is_err());
}

#[test]
fn another_master_key_opens_everything_and_the_old_one_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("vault.key");
    let store = open(folder.path());
    let scope = Scope::local();
    say(&store, 1, "one");
    let secret = || ("<CARD_1>".to_owned(), Sensitive::new("4111"));
    block_on(store.put(&scope, run(1), vec![secret()])).unwrap();
    let old = std::fs::read(&key).unwrap();
    assert_eq!(block_on(store.rotate_key()).unwrap(), 2);
    assert_ne!(std::fs::read(&key).unwrap(), old);
    assert!(!folder.path().join("vault.next").exists());
    say(&store, 2, "two");
    drop(store);
    let store = open(folder.path());
    assert_eq!(heard(&store), ["one", "two"]);
    assert_eq!(block_on(store.all(&scope, run(1))).unwrap(), [secret()]);
    drop(store);
    std::fs::write(&key, old).unwrap();
    let store = open(folder.path());
    assert!(block_on(store.load(&scope, SESSION)).is_err());
    assert!(block_on(store.all(&scope, run(1))).is_err());
}

#[test]
fn a_change_of_keys_that_is_cut_off_at_either_side_of_its_commit_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (key, next) = (folder.path().join("vault.key"), folder.path().join("vault.next"));
    let store = open(folder.path());
    say(&store, 1, "one");
    // Before it: a key that nothing is sealed with.
    std::fs::copy(&key, &next).unwrap();
    let digits = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&next, digits.chars().rev().collect::<String>().trim()).unwrap();
    assert_eq!(heard(&store), ["one"]);
    block_on(store.put(&Scope::local(), run(1), vec![])).unwrap();
    assert_eq!(std::fs::read_to_string(&key).unwrap(), digits);
    // After it: everything is sealed with the next key, which is not in its place yet.
    block_on(store.rotate_key()).unwrap();
    std::fs::rename(&key, &next).unwrap();
    std::fs::copy(&next, folder.path().join("kept")).unwrap();
    std::fs::write(&key, &digits).unwrap();
    std::fs::set_permissions(&key, std::fs::metadata(&next).unwrap().permissions()).unwrap();
    drop(store);
    let store = open(folder.path());
    assert!(!next.exists(), "whoever opens the store puts it there");
    assert_eq!(heard(&store), ["one"]);
    block_on(store.create(&Scope::local(), &SessionId::from_u128(2).into(), None)).unwrap();
    assert_eq!(std::fs::read(&key).unwrap(), std::fs::read(folder.path().join("kept")).unwrap());
    assert_eq!(heard(&store), ["one"]);
}

/// Bytes of the database and its log.
fn disk(folder: &std::path::Path) -> Vec<u8> {
    let files = ["state.db", "state.db-wal"].map(|file| folder.join(file));
    files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect()
}

#[test]
fn what_is_forgotten_takes_its_keys_and_the_values_of_its_placeholders_along() {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope::local();
    for how in ["deleted", "over"] {
        let clock = FakeClock::default();
        let options = Options::new(Arc::new(CountingIds::default()), Arc::new(clock.clone()));
        let store = Store::open(folder.path(), options).unwrap();
        let hour = std::time::Duration::from_hours(1);
        block_on(store.create(&scope, &key(), Some(hour))).unwrap();
        say(&store, 1, "one");
        let root = vault_root(scope.principal(), SESSION);
        let secret = ("<CARD_1>".to_owned(), Sensitive::new("4111"));
        block_on(store.put(&scope, root, vec![secret])).unwrap();
        drop(store);
        let database = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
        let sealed = |table: &str| -> Vec<u8> {
            let select = format!("SELECT sealed FROM {table}");
            database.query_row(&select, [], |row| row.get(0)).unwrap()
        };
        let keys = [sealed("sessions"), sealed("vault_keys")];
        drop(database);
        let on_disk = |key: &Vec<u8>| disk(folder.path()).windows(key.len()).any(|at| at == key);
        assert!(keys.iter().all(on_disk), "{how}");
        let options = Options::new(Arc::new(CountingIds::default()), Arc::new(clock.clone()));
        let store = Store::open(folder.path(), options).unwrap();
        if how == "deleted" {
            assert!(block_on(store.delete(&scope, SESSION)).unwrap());
        } else {
            clock.advance(hour);
            assert_eq!(block_on(store.prune(&scope)).unwrap(), 1);
        }
        assert!(block_on(store.all(&scope, root)).unwrap().is_empty(), "{how}");
        // Closing copies the log into the database, which is all that is left.
        drop(store);
        assert!(!keys.iter().any(on_disk), "{how}");
        let store = open(folder.path());
        let (run, events) = (run(1), 1);
        assert_eq!(block_on(store.read(&scope, run, 0)).unwrap().len(), events);
        drop(store);
        std::fs::remove_file(folder.path().join("state.db")).unwrap();
    }
}

#[test]
fn what_people_answered_is_still_vouched_for_after_a_change_of_keys() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let scope = Scope::local();
    let id = largestack_types::id::ApprovalId::from_u128(1);
    let question = Question {
        id,
        run: run(1),
        effect: largestack_types::id::EffectId::new(1),
        agent: "a".into(),
        principal: scope.principal().into(),
        tool: "pay".into(),
        arguments: largestack_types::json::Json::parse("{}").unwrap(),
        reason: "money".into(),
        terms: Terms::default(),
        asked: largestack_ports::clock::Clock::now(&FakeClock::default()),
    };
    block_on(store.ask(&scope, question)).unwrap();
    assert_eq!(block_on(store.rotate_key()).unwrap(), 0);
    let approval = block_on(store.find(&scope, id)).unwrap().expect("it is vouched for");
    assert!(approval.votes.is_empty());
    let right = Right::Principal(scope.principal().into());
    block_on(store.answer(&scope, id, right, Answer::of("approve"))).unwrap();
    assert_eq!(block_on(store.rotate_key()).unwrap(), 0);
    assert_eq!(block_on(store.find(&scope, id)).unwrap().unwrap().votes.len(), 1);
}

#[test]
fn two_processes_take_turns_in_a_session_and_a_dead_one_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (open(folder.path()), open(folder.path()));
    let scope = Scope::local();
    let hers = block_on(first.claim(&scope, run(1), owner(1))).unwrap();
    block_on(first.hold(&hers, &key(), IfAbsent::Make(None))).unwrap();
    let his = block_on(second.claim(&scope, run(2), owner(2))).unwrap();
    let refused = block_on(second.hold(&his, &key(), IfAbsent::Make(None))).unwrap_err();
    assert_eq!(refused.code(), Code::Conflict);
    // The process ends without giving anything back.
    drop(first);
    assert!(block_on(second.hold(&his, &key(), IfAbsent::Make(None))).unwrap().is_some());
}
