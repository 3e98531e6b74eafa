//! Servers that are not there, do not let one in, are not who they should be, or hold something
//! else.

use std::sync::Arc;

use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_store::{PostgresOptions, PostgresStore};
use largestack_testkit::services;
use largestack_types::errors::{Code, Coded, LargestackError};
use largestack_types::id::OwnerId;
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{of_user, schema};

/// A process that seals nothing.
fn anybody(number: u128) -> PostgresOptions {
    let (ids, clock) = (Arc::new(CountingIds::default()), Arc::new(FakeClock::default()));
    let options = PostgresOptions::new(ids, clock, "no.key".into());
    PostgresOptions { owner: OwnerId::from_u128(number), ..options }
}

async fn refused(url: &str) -> LargestackError {
    let error = PostgresStore::connect(url, anybody(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::Store);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("secret-word"), "{shown}");
    error
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let error = refused("postgres://ann:secret-word@127.0.0.1:1/none").await;
    let message = error.message();
    assert!(
        message.starts_with("the database server at 127.0.0.1:1 cannot be reached"),
        "{message}"
    );
    assert!(error.suggestion().contains("`store.postgres`"), "{}", error.suggestion());
}

#[tokio::test]
async fn a_connection_in_clear_to_another_machine_is_refused_before_it_is_made() {
    let error = refused("postgres://ann:secret-word@db.invalid:6000/main?sslmode=disable").await;
    assert!(error.message().contains("db.invalid:6000 asks for a connection in clear"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_neither_user_nor_password_where_tls_is_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::runtime::Handle::current().spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        socket.read_exact(&mut request).await.unwrap();
        socket.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        rest
    });
    let url = format!("postgres://ann:secret-word@127.0.0.1:{port}/main?sslmode=verify-full");
    let error = refused(&url).await;
    assert!(error.message().contains("gives no connection that can be trusted"), "{error}");
    let heard = heard.await.unwrap();
    assert!(!String::from_utf8_lossy(&heard).contains("ann"), "{heard:?}");
}

#[tokio::test]
async fn a_certificate_counts_only_of_a_known_authority_and_for_the_hosts_name() {
    let (Some(server), Some(authority)) = (services::postgres(), services::postgres_authority())
    else {
        return;
    };
    let url = schema(&server).await;
    let by_name = url.replace("127.0.0.1", "localhost");
    let full = format!("{by_name}&sslmode=verify-full");
    let unknown = refused(&full).await;
    assert!(unknown.message().contains("can be trusted"), "{unknown}");
    let known = format!("{full}&sslrootcert={authority}");
    PostgresStore::connect(&known, anybody(2)).await.unwrap();
    // The certificate names `localhost` and no address.
    let other_name = refused(&known.replace("localhost", "127.0.0.1")).await;
    assert!(other_name.message().contains("can be trusted"), "{other_name}");
}

#[tokio::test]
async fn a_user_who_is_not_let_in_and_a_database_that_is_not_there_are_told_apart_from_silence() {
    let Some(server) = services::postgres() else { return };
    let error = refused(&of_user(&server, "nobody_at_all")).await;
    assert!(error.message().contains("does not let the user `nobody_at_all` in"), "{error}");
    let url = schema(&server).await;
    let (path, options) = url.split_once('?').unwrap();
    let (path, _) = path.rsplit_once('/').unwrap();
    let error = refused(&format!("{path}/no_such_database?{options}")).await;
    assert!(error.message().contains("no_such_database"), "{error}");
}

#[tokio::test]
async fn a_user_whom_row_level_security_does_not_bind_is_refused() {
    let Some(server) = services::postgres() else { return };
    let error = refused(&server).await;
    assert!(error.message().contains("row-level security does not hold"), "{error}");
    assert!(error.suggestion().contains("NOBYPASSRLS"), "{}", error.suggestion());
}

#[tokio::test]
async fn tables_that_are_missing_are_made_or_asked_for_and_newer_ones_are_left_alone() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let mut above = PgConnection::connect(&server).await.unwrap();
    let (_, name) = url.rsplit_once('=').unwrap();
    let change = |sql: &str| sqlx::AssertSqlSafe(sql.replace("{}", name));
    let taken = "REVOKE CREATE ON SCHEMA {} FROM largestack_test; \
                 ALTER SCHEMA {} OWNER TO postgres; GRANT USAGE ON SCHEMA {} TO largestack_test";
    sqlx::raw_sql(change(taken)).execute(&mut above).await.unwrap();
    let error = refused(&url).await;
    assert!(error.message().contains("are of version 0, 8 is needed"), "{error}");
    assert!(error.suggestion().contains("GRANT CREATE"), "{}", error.suggestion());

    let given = "GRANT CREATE ON SCHEMA {} TO largestack_test";
    sqlx::raw_sql(change(given)).execute(&mut above).await.unwrap();
    for number in [3, 4] {
        PostgresStore::connect(&url, anybody(number)).await.unwrap();
    }
    let newer = "INSERT INTO {}.largestack_schema VALUES (1000)";
    sqlx::raw_sql(change(newer)).execute(&mut above).await.unwrap();
    let error = refused(&url).await;
    assert!(error.message().contains("are of version 1000; this build knows 8"), "{error}");
}
