//! What a connection that works for one tenant can do to another one's rows: nothing.

use std::sync::Arc;

use bytes::Bytes;
use largestack_ports::approvals::{APPROVE, Answer, Approvals, Question, Right, Terms};
use largestack_ports::cache::{Cache, CachedReply};
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::journal::{Batch, Journal as _, LedgerLine};
use largestack_ports::ledger::{BudgetKey, BudgetLimits, Ledger};
use largestack_ports::limits::{LimitKey, LimitKind, Limits, Measure, Rate, Take};
use largestack_ports::pools::PoolMemory as _;
use largestack_ports::results::{KeptResult, Results};
use largestack_ports::sessions::{Exchange, IfAbsent, Remembered, SessionKey, Sessions as _};
use largestack_ports::signals::Signal;
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_store::{PostgresStore, SwitchScope};
use largestack_testkit::services;
use largestack_types::hash::Hash;
use largestack_types::id::{ApprovalId, EffectId, OwnerId};
use largestack_types::json::Json;
use largestack_types::label::Label;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::part::PartId;
use largestack_types::reply::Reply;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::{process, schema};
use crate::fixture::{events, run as run_id, summary};

fn scope(tenant: &str) -> Scope {
    Scope::authenticated(TenantId::new(tenant).unwrap(), "ann")
}

/// A row of this tenant in every table that has rows of tenants.
async fn fill(store: &PostgresStore, tenant: &str) {
    let scope = scope(tenant);
    let user = BudgetKey::user(&scope);
    let keys: Arc<[BudgetKey]> = Arc::from([user.clone()]);
    let limits = BudgetLimits::total(Some(Money::from_nanos(100)));
    store.set_limits(&user, limits).await.unwrap();
    let _held = store.reserve(&keys, Money::from_nanos(10)).await.unwrap();
    let key = LimitKey::new(&scope, LimitKind::User, "ann".into(), Measure::Requests);
    store.take(&[Take { key, rate: Rate::per_minute(5), units: 1 }]).await.unwrap();
    fill_runs(store, &scope).await;
    fill_people(store, &scope).await;
    let job = largestack_ports::queue::Job::agent("payer", "Pay.");
    largestack_ports::queue::Queue::enqueue(store, &scope, job, 10).await.unwrap();
    let paid = Signal {
        id: "paid-1".into(),
        name: "paid".into(),
        data: Json::empty_object(),
        by: "ann".into(),
    };
    largestack_ports::signals::Signals::send(store, &scope, run_id(1), paid).await.unwrap();
}

async fn fill_runs(store: &PostgresStore, scope: &Scope) {
    let lease = store.claim(scope, run_id(1), OwnerId::from_u128(1)).await.unwrap();
    let session = SessionKey::from("talk");
    store.hold(&lease, &session, IfAbsent::Make(None)).await.unwrap();
    let messages = vec![Arc::new(Message::user(PartId::new(0, 1), "hello"))];
    let exchange = Exchange { run: run_id(1), at: Timestamp::from_micros(1), messages };
    let bytes = Bytes::from_static(b"bytes");
    let batch = Batch {
        ledger: vec![LedgerLine {
            at: Timestamp::from_micros(1),
            seq: 1,
            root: run_id(1),
            agent: "a".into(),
            model: "m".into(),
            usage: Usage::default(),
            cost: Money::from_nanos(1),
            cached: false,
        }],
        blobs: vec![(Hash::of(&bytes), bytes)],
        summary: Some(summary(1, 1)),
        memory: Some(Remembered { session: session.id(), exchange: Some(exchange), digest: None }),
        ..events(1, 1)
    };
    store.append(&lease, batch).unwrap();
    store.durable().await.unwrap();
    let secret = ("<CARD_1>".to_owned(), Sensitive::new("4111"));
    TokenVault::put(store, scope, run_id(1), vec![secret]).await.unwrap();
    let (key, soon) = (Hash::of(b"call"), Timestamp::from_micros(i64::MAX));
    let reply = CachedReply {
        reply: Reply::default(),
        provider: None,
        cost: Money::from_nanos(1),
        expires: soon,
    };
    let now = Timestamp::from_micros(0);
    Cache::put(store, scope, key, Arc::new(reply), now).await.unwrap();
    let result = KeptResult {
        text: "sunny".to_owned(),
        media: Vec::new(),
        citations: Vec::new(),
        label: Label::default(),
        expires: soon,
    };
    Results::put(store, scope, key, Arc::new(result), now).await.unwrap();
    store.save(scope, "fast", "{}".to_owned()).await.unwrap();
}

async fn fill_people(store: &PostgresStore, scope: &Scope) {
    let arguments = Json::parse("{}").unwrap();
    let question = Question {
        id: ApprovalId::from_u128(1),
        run: run_id(2),
        effect: EffectId::new(2),
        agent: "payer".into(),
        principal: "ann".into(),
        tool: "pay".into(),
        arguments,
        reason: "it pays".into(),
        terms: Terms { quorum: 2, ..Terms::default() },
        asked: FakeClock::default().now(),
    };
    let id = question.id;
    store.ask(scope, question).await.unwrap();
    store.delegate(scope, id, "ann".into(), "cyd".into()).await.unwrap();
    let right = Right::Principal("bob".into());
    Approvals::answer(store, scope, id, right, Answer::of(APPROVE)).await.unwrap();
    let switch = SwitchScope::Tenant(scope.tenant().clone());
    store.throw_switch(&switch, "ann", "a leak").await.unwrap();
}

/// The tables of the schema, without those that hold its version and the name of its master key.
async fn tables(connection: &mut PgConnection) -> Vec<String> {
    let tables = "SELECT relname::text FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
          AND relname NOT LIKE 'largestack%' ORDER BY relname";
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
    let store = process(&url, 1).await;
    fill(&store, "acme").await;
    fill(&store, "other").await;

    // As the owner of the tables, whom only `FORCE` binds.
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let tables = tables(&mut connection).await;
    assert!(tables.len() >= 22, "{tables:?}");
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
    let store = process(&url, 1).await;
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
