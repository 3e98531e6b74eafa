//! The master key of a server: every process has a copy, and nobody seals with another one.

use std::fs;

use largestack_ports::clock::FakeClock;
use largestack_ports::sessions::{SessionKey, Sessions as _};
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_store::{PostgresOptions, PostgresStore};
use largestack_testkit::services;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::scope::Scope;

use super::{options, schema};
use crate::fixture::run;

async fn with_key(url: &str, number: u128, key_file: std::path::PathBuf) -> PostgresStore {
    let options = PostgresOptions { key_file, ..options(url, number, FakeClock::default()) };
    PostgresStore::connect(url, options).await.unwrap()
}

fn card() -> Vec<(String, Sensitive)> {
    vec![("<CARD_1>".to_owned(), Sensitive::new("4111-1111-1111-1111"))]
}

#[tokio::test]
async fn a_machine_without_the_key_or_with_another_one_is_refused_and_makes_none() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.key"), folder.path().join("second.key"));
    let scope = Scope::local();
    let one = with_key(&url, 1, first.clone()).await;
    one.put(&scope, run(1), card()).await.unwrap();
    let two = with_key(&url, 2, second.clone()).await;
    let refusals = || async {
        [
            two.put(&scope, run(2), card()).await.unwrap_err(),
            two.all(&scope, run(1)).await.map(|_| ()).unwrap_err(),
            two.create(&scope, &SessionKey::from("talk"), None).await.map(|_| ()).unwrap_err(),
        ]
    };
    for error in refusals().await {
        assert_eq!(error.code(), Code::Store);
        assert!(error.message().contains("second.key is gone"), "{error}");
    }
    assert!(!second.exists());
    let text = fs::read_to_string(&first).unwrap();
    let another: String = text.trim().chars().rev().collect();
    fs::copy(&first, &second).unwrap();
    fs::write(&second, another).unwrap();
    for error in refusals().await {
        assert!(error.message().contains("another key"), "{error}");
    }
    fs::write(&second, text).unwrap();
    assert_eq!(two.all(&scope, run(1)).await.unwrap(), card());
}

#[tokio::test]
async fn no_table_holds_in_clear_what_a_placeholder_stands_for() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let store = with_key(&url, 1, folder.path().join("vault.key")).await;
    let scope = Scope::local();
    store.put(&scope, run(1), card()).await.unwrap();
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let set = "SELECT set_config('largestack.tenant', 'local', false)";
    sqlx::query(set).execute(&mut connection).await.unwrap();
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT placeholder, sealed FROM vault_values")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let [(placeholder, sealed)] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(placeholder, "<CARD_1>");
    assert!(!sealed.windows(4).any(|window| window == b"4111"));
    // Erased, its key is gone from the tables, too.
    store.erase(&scope, run(1)).await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM vault_keys) + (SELECT count(*) FROM vault_values)",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(left, 0);
    assert_eq!(store.all(&scope, run(1)).await.unwrap(), []);
}
