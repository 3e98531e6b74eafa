//! What a connection that works for one tenant can do to another one's rows: nothing.

use largestack_ports::clock::FakeClock;
use largestack_ports::ledger::{BudgetKey, BudgetLimits, Ledger};
use largestack_ports::limits::{LimitKey, LimitKind, Limits, Measure, Rate, Take};
use largestack_store::PostgresStore;
use largestack_testkit::services;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use std::sync::Arc;

use super::{owner, schema};

fn scope(tenant: &str) -> Scope {
    Scope::authenticated(TenantId::new(tenant).unwrap(), "ann")
}

/// A row of this tenant in every table that has rows of tenants.
async fn fill(store: &PostgresStore, tenant: &str) {
    let user = BudgetKey::user(&scope(tenant));
    let keys: Arc<[BudgetKey]> = Arc::from([user.clone()]);
    let limits = BudgetLimits::total(Some(Money::from_nanos(100)));
    store.set_limits(&user, limits).await.unwrap();
    let _held = store.reserve(&keys, Money::from_nanos(10)).await.unwrap();
    let key = LimitKey::new(&scope(tenant), LimitKind::User, "ann".into(), Measure::Requests);
    store.take(&[Take { key, rate: Rate::per_minute(5), units: 1 }]).await.unwrap();
}

/// The tables of the schema, without the one that holds its version.
async fn tables(connection: &mut PgConnection) -> Vec<String> {
    let tables = "SELECT relname::text FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
          AND relname <> 'largestack_schema' ORDER BY relname";
    sqlx::query_scalar(tables).fetch_all(connection).await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<u64, sqlx::Error> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(done.rows_affected())
}

#[tokio::test]
async fn hand_written_sql_for_one_tenant_neither_reads_nor_writes_another_ones_rows() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let clock = Arc::new(FakeClock::default());
    let store = PostgresStore::connect(&url, owner(&url, 1), clock).await.unwrap();
    fill(&store, "acme").await;
    fill(&store, "other").await;

    // As the owner of the tables, whom only `FORCE` binds.
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let tables = tables(&mut connection).await;
    assert!(tables.len() >= 3, "{tables:?}");
    for table in tables {
        let secured = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class
            WHERE oid = to_regclass($1)";
        let secured: bool =
            sqlx::query_scalar(secured).bind(&table).fetch_one(&mut connection).await.unwrap();
        assert!(secured, "{table}");
        let count = |condition: &str| format!("SELECT count(*) AS n FROM {table} {condition}");
        let mut counted = Vec::new();
        let mut transaction = connection.begin().await.unwrap();
        for (tenant, condition) in [
            (None, ""),
            (Some("acme"), "WHERE tenant = 'acme'"),
            (Some("acme"), "WHERE tenant <> 'acme'"),
            (Some("acme"), "WHERE true OR tenant = 'other'"),
        ] {
            if let Some(tenant) = tenant {
                let name = format!("SET LOCAL largestack.tenant = '{tenant}'");
                run(&mut transaction, name).await.unwrap();
            }
            let row = sqlx::raw_sql(AssertSqlSafe(count(condition)));
            let row = row.fetch_one(&mut *transaction).await.unwrap();
            counted.push(row.get::<i64, _>("n"));
        }
        assert_eq!(counted, [0, 1, 0, 1], "{table}");
        for change in [
            format!("UPDATE {table} SET tenant = tenant WHERE tenant = 'other'"),
            format!("DELETE FROM {table} WHERE tenant = 'other'"),
        ] {
            assert_eq!(run(&mut transaction, change.clone()).await.unwrap(), 0, "{change}");
        }
        // Neither handed over nor written in another one's name.
        for change in [
            format!("UPDATE {table} SET tenant = 'other'"),
            format!(
                "INSERT INTO {table} SELECT (jsonb_populate_record(t, '{{\"tenant\": \"other\"}}')).* FROM {table} AS t"
            ),
        ] {
            run(&mut transaction, "SAVEPOINT before".to_owned()).await.unwrap();
            let refused = run(&mut transaction, change.clone()).await.unwrap_err();
            let code = refused.as_database_error().unwrap().code().unwrap().into_owned();
            assert_eq!(code, "42501", "{change}");
            run(&mut transaction, "ROLLBACK TO before".to_owned()).await.unwrap();
        }
        transaction.rollback().await.unwrap();
    }
    // And the other one has everything that it had.
    let account = store.account(&BudgetKey::user(&scope("other"))).await.unwrap();
    assert_eq!(account.reserved, Money::from_nanos(10));
}

#[tokio::test]
async fn a_tenants_name_ends_with_its_transaction() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let clock = Arc::new(FakeClock::default());
    let store = PostgresStore::connect(&url, owner(&url, 1), clock).await.unwrap();
    fill(&store, "acme").await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    run(&mut transaction, "SET LOCAL largestack.tenant = 'acme'".to_owned()).await.unwrap();
    transaction.commit().await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM budgets")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(seen, 0);
}
