//! A database of somebody else's, asked and never changed.

use std::time::Duration;

use largestack_ports::database::{Database as _, QueryFailure, QueryLimits, Rows};
use largestack_ports::vault::Sensitive;
use largestack_store::PostgresDatabase;
use largestack_testkit::services;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::schema;

/// A database with one table, and a connection of its owner's.
async fn shop(server: &str) -> (PostgresDatabase, PgConnection) {
    let url = schema(server).await;
    let mut owner = PgConnection::connect(&url).await.unwrap();
    let made = "CREATE TABLE goods (sku text, left_over int, price numeric, seen timestamptz);
                INSERT INTO goods VALUES ('a', 1, 1.50, '2026-01-31T00:00:00Z'), ('b', NULL, 2, NULL);
                CREATE SEQUENCE tickets;
                CREATE FUNCTION restock() RETURNS int LANGUAGE sql VOLATILE AS
                    $$ UPDATE goods SET left_over = 99 RETURNING 1 $$";
    sqlx::raw_sql(made).execute(&mut owner).await.unwrap();
    (PostgresDatabase::at(Sensitive::new(url)), owner)
}

async fn ask(database: &PostgresDatabase, statement: &str) -> Result<Rows, QueryFailure> {
    database.query(statement, QueryLimits::default()).await
}

#[tokio::test]
async fn a_question_is_answered_with_values_of_every_type() {
    let Some(server) = services::postgres() else { return };
    let (database, _owner) = shop(&server).await;
    let rows =
        ask(&database, "SELECT sku, left_over, price, sku FROM goods ORDER BY sku").await.unwrap();
    assert_eq!(rows.columns, ["sku", "left_over", "price", "sku"]);
    assert_eq!(
        rows.rows,
        [
            vec![json!("a"), json!(1), json!(1.50), json!("a")],
            vec![json!("b"), json!(null), json!(2), json!("b")],
        ]
    );
    assert!(!rows.more);
    let with = "WITH x AS (SELECT 1 AS n) SELECT n, '{\"a\": [1]}'::jsonb AS j FROM x";
    assert_eq!(ask(&database, with).await.unwrap().rows, [vec![json!(1), json!({"a": [1]})]]);
}

#[tokio::test]
async fn nothing_is_changed_whatever_the_question_is() {
    let Some(server) = services::postgres() else { return };
    let (database, mut owner) = shop(&server).await;
    for statement in [
        "SELECT restock()",
        "SELECT nextval('tickets')",
        "WITH gone AS (DELETE FROM goods RETURNING sku) SELECT sku FROM gone",
        "SELECT 1) AS asked; DELETE FROM goods; SELECT (1",
        "SELECT 1) AS asked; COMMIT; DELETE FROM goods; --",
        "DELETE FROM goods RETURNING sku",
    ] {
        let refused = ask(&database, statement).await.unwrap_err();
        assert!(matches!(refused, QueryFailure::Refused(_)), "{statement}: {refused}");
    }
    let left: (i64, Option<i64>) = sqlx::query_as("SELECT count(*), sum(left_over) FROM goods")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(left, (2, Some(1)));
}

#[tokio::test]
async fn rows_bytes_and_time_have_an_end() {
    let Some(server) = services::postgres() else { return };
    let (database, _owner) = shop(&server).await;
    let within = |limits: QueryLimits, statement: &'static str| {
        let database = database.clone();
        async move { database.query(statement, limits).await }
    };
    let rows = |rows| QueryLimits { rows, ..QueryLimits::default() };
    let all = within(rows(2), "SELECT sku FROM goods").await.unwrap();
    assert_eq!((all.rows.len(), all.more), (2, false));
    let some = within(rows(1), "SELECT sku FROM goods").await.unwrap();
    assert_eq!((some.rows.len(), some.more), (1, true));
    let bytes = |bytes| QueryLimits { bytes, ..QueryLimits::default() };
    let row = r#"{"x":"0123456789"}"#;
    let statement = "SELECT '0123456789' AS x";
    assert_eq!(within(bytes(row.len()), statement).await.unwrap().rows.len(), 1);
    assert!(within(bytes(row.len() - 1), statement).await.unwrap().more);
    let short = QueryLimits { timeout: Duration::from_millis(200), ..QueryLimits::default() };
    let late = within(short, "SELECT pg_sleep(3600)").await.unwrap_err();
    assert!(matches!(late, QueryFailure::Late(_)), "{late}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_without_the_password() {
    let url = "postgres://ann:secret-word@127.0.0.1:1/none";
    let failure = ask(&PostgresDatabase::at(Sensitive::new(url)), "SELECT 1").await.unwrap_err();
    assert!(failure.passes());
    assert!(failure.to_string().contains("127.0.0.1:1"), "{failure}");
    let clear = "postgres://ann:secret-word@db.invalid/none?sslmode=disable";
    let refused = ask(&PostgresDatabase::at(Sensitive::new(clear)), "SELECT 1").await.unwrap_err();
    for shown in [failure.to_string(), refused.to_string(), format!("{failure:?} {refused:?}")] {
        assert!(!shown.contains("secret-word"), "{shown}");
    }
}
