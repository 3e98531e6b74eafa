//! A call that never left costs nothing, whichever way it ended.

use std::sync::Arc;

use futures::StreamExt as _;
use largestack_gateway::{Gateway, Ports, RetryPolicy};
use largestack_http::TokioTasks;
use largestack_ports::BoxFuture;
use largestack_ports::ledger::{BudgetKey, MemoryLedger};
use largestack_ports::model::Model as _;
use largestack_ports::switch::MemorySwitch;
use largestack_ports::transport::{Request, Response, Transport};
use largestack_testkit::{CountingIds, FakeClock, budgeted, question};
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_wire::{Auth, Registry, Section};

use crate::rig::{ask, prices};

fn run() -> BudgetKey {
    BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1))
}

/// A gateway whose provider `mock` wants credentials of this kind, over this transport.
fn gateway(transport: impl Transport, auth: Auth) -> (Gateway, Arc<MemoryLedger>) {
    let ledger = Arc::new(MemoryLedger::default());
    ledger.set_limit(&run(), Some(Money::from_nanos(1_000_000_000)));
    let ports = Ports {
        transport: Arc::new(transport),
        ledger: ledger.clone(),
        switch: Arc::new(MemorySwitch::default()),
        clock: Arc::new(FakeClock::default()),
        ids: Arc::new(CountingIds::default()),
        tasks: Arc::new(TokioTasks::current().unwrap()),
    };
    let mut registry = Registry::default();
    let base_url = Some("https://models.example/v1".to_owned());
    let section = Section { base_url, auth: Some(auth), ..Section::default() };
    registry.define("mock", section);
    let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let builder = Gateway::builder(ports).registry(registry).prices(prices()).retry(retry);
    (builder.build(), ledger)
}

/// Its store of keys does not open.
struct Locked;

impl Transport for Locked {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response>> {
        let locked = LargestackError::other(Code::Config, "the store of keys does not open");
        Box::pin(std::future::ready(Err(locked)))
    }
}

/// Waits for a token that never comes.
struct Fetching;

impl Transport for Fetching {
    fn authorised(&self, _: Request) -> BoxFuture<'_, Result<Request>> {
        Box::pin(std::future::pending())
    }

    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response>> {
        panic!("sent without credentials")
    }
}

#[tokio::test]
async fn a_call_whose_key_cannot_be_read_costs_nothing() {
    for stream in [false, true] {
        let (gateway, ledger) = gateway(Locked, Auth::Bearer);
        let context = budgeted(1);
        let error = ask(&gateway, &context, question("mock/priced", "hi", stream)).await.error();
        assert_eq!(error.code(), Code::Config);
        assert!(error.message().contains("the store of keys"), "{error}");
        assert_eq!(ledger.totals(&run()), (Money::ZERO, Money::ZERO));
        let bill = context.slot.take_bill();
        assert!(bill.is_none_or(|bill| bill.cost == Money::ZERO && bill.flags.is_empty()));
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_while_its_credentials_are_fetched_costs_nothing() {
    let (gateway, ledger) = gateway(Fetching, Auth::Azure);
    let context = budgeted(1);
    let mut events = gateway.call(&context, question("mock/priced", "hi", true)).await.unwrap();
    assert!(futures::poll!(events.next()).is_pending());
    assert_ne!(ledger.totals(&run()), (Money::ZERO, Money::ZERO), "it is set aside");
    drop(events);
    assert_eq!(ledger.totals(&run()), (Money::ZERO, Money::ZERO));
}
