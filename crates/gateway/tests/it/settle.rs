//! The law of money: what is booked is the sum of the bills, nothing stays reserved, and no
//! limit is ever passed, however calls end and however many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use largestack_ports::BoxFuture;
use largestack_ports::ledger::{
    Account, BudgetKey, BudgetKind, BudgetLimits, Expired, Ledger, MemoryLedger, Reservation,
};
use largestack_ports::model::{CallContext, Model, ModelEvent, RunSlot};
use largestack_ports::tasks::Tasks;
use largestack_testkit::{Answer, ChatReply, FunctionModel, Turn, budgeted, question};
use largestack_types::errors::{Code, Coded, LargestackError, ProviderError, Result};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};

use crate::rig::{HastyClock, Rig, ask, rig};

fn key(kind: &'static str) -> BudgetKey {
    BudgetKey::new(&Scope::local(), BudgetKind::parse(kind).unwrap(), "local")
}

fn broken() -> LargestackError {
    ProviderError {
        provider: "test".into(),
        status: None,
        detail: "broke off".into(),
        provider_code: None,
        request_id: None,
        transient: true,
    }
    .into()
}

/// Ends in a way that depends on the question.
fn of_all_kinds() -> impl Model {
    FunctionModel::new(|call| {
        let number: u64 = call.messages[0].text().parse().unwrap();
        match number % 5 {
            0 => Turn::text("an answer").usage(20, 10 + number),
            1 => Turn::text("no count").without_usage(),
            2 => Turn::text("half an ans").then_error(broken()),
            3 => Turn::text("and then silence").then_never(),
            _ => Turn::error(broken()),
        }
    })
}

/// Makes a call and gives up after its first delta where it does not end; what it cost.
async fn cost_of(rig: &Rig, context: CallContext, number: u64) -> Result<Money> {
    let call = question("test/priced", &number.to_string(), true);
    let mut events = rig.gateway.call(&context, call).await?;
    while let Some(event) = events.next().await {
        tokio::task::yield_now().await;
        match event {
            Ok(ModelEvent::Done(answer)) => return Ok(answer.call.cost),
            Ok(_) if number % 5 == 3 => break,
            Ok(_) => {}
            Err(error) if error.code() == Code::Budget => return Err(error),
            Err(_) => break,
        }
    }
    drop(events);
    Ok(context.slot.take_bill().expect("a bill").cost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bills_of_concurrent_calls_add_up_to_the_ledger_in_every_scope() {
    let rig = Arc::new(rig(HastyClock::default()).await);
    rig.gateway.register("test", Arc::new(of_all_kinds()));
    let budgets: Arc<[BudgetKey]> = Arc::new([key("tenant"), key("agent")]);
    rig.ledger.set_limit(&key("tenant"), Some(Money::from_nanos(10_000_000_000)));
    let calls = (0..200).map(|number| {
        let rig = rig.clone();
        let slot = RunSlot::default();
        let context = CallContext { budgets: budgets.clone(), slot, ..budgeted(1) };
        tokio::runtime::Handle::current()
            .spawn(async move { cost_of(&rig, context, number).await.unwrap() })
    });
    let costs = futures::future::join_all(calls).await;
    let sum: i64 = costs.into_iter().map(|cost| cost.unwrap().nanos()).sum();
    assert!(sum > 0);
    rig.tasks.finished().await;
    for kind in ["tenant", "agent"] {
        assert_eq!(rig.ledger.totals(&key(kind)), (Money::from_nanos(sum), Money::ZERO), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_never_passed_however_many_calls_press_against_it() {
    let rig = Arc::new(rig(HastyClock::default()).await);
    rig.gateway.register("test", Arc::new(of_all_kinds()));
    let limit = Money::from_nanos(30_000_000);
    rig.ledger.set_limit(&key("tenant"), Some(limit));
    let over = Arc::new(AtomicBool::new(false));
    let calls = (0..200).map(|number| {
        let (rig, over) = (rig.clone(), over.clone());
        let budgets: Arc<[BudgetKey]> = Arc::new([key("tenant")]);
        let keep_for_last_turn = number % 2 == 0;
        let slot = RunSlot::default();
        let context = CallContext { budgets, slot, keep_for_last_turn, ..budgeted(1) };
        tokio::runtime::Handle::current().spawn(async move {
            let cost = cost_of(&rig, context, number).await;
            let (spent, reserved) = rig.ledger.totals(&key("tenant"));
            over.fetch_or(spent.checked_add(reserved).unwrap() > limit, Ordering::SeqCst);
            cost
        })
    });
    let costs: Vec<_> =
        futures::future::join_all(calls).await.into_iter().map(|c| c.unwrap()).collect();
    rig.tasks.finished().await;
    let (spent, reserved) = rig.ledger.totals(&key("tenant"));
    let sum: i64 = costs.iter().flatten().map(|cost| cost.nanos()).sum();
    assert_eq!((spent.nanos(), reserved), (sum, Money::ZERO));
    assert!(spent <= limit && !over.load(Ordering::SeqCst));
    assert!(costs.iter().any(Result::is_err), "the limit was never felt");
}

#[tokio::test]
async fn a_stream_that_is_dropped_settles_at_what_was_seen() {
    let rig = rig(HastyClock::default()).await;
    let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1));
    rig.ledger.set_limit(&run, Some(Money::from_nanos(1_000_000_000)));
    let reply = ChatReply::text("123456789").pieces(3);
    let events = reply.events("priced");
    let end_of_first = events.find("456").unwrap() - 40;
    rig.upstream.push(Answer::from(reply).stall_after(end_of_first));
    let context = budgeted(1);
    let call = question("mock/priced", "hello", true);
    let mut stream = rig.gateway.call(&context, call).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ModelEvent::Delta(_)))));
    let (spent, reserved) = rig.ledger.totals(&run);
    assert!(spent == Money::ZERO && reserved > Money::ZERO);
    drop(stream);
    // At once: this ledger does not wait.
    let bill = context.slot.take_bill().unwrap();
    assert_eq!(rig.ledger.totals(&run), (bill.cost, Money::ZERO));
    assert_eq!(bill.usage.output_tokens, Some(1));
    assert_eq!((&*bill.flags[0], bill.provider.as_deref()), ("estimated", Some("mock")));
    assert_eq!(rig.upstream.until(|counts| counts.hang_ups == 1).await.hang_ups, 1);
}

#[tokio::test]
async fn a_reported_count_is_booked_even_when_the_stream_breaks_after_it() {
    let rig = rig(HastyClock::default()).await;
    let events = ChatReply::text("hi").usage(100, 50).events("priced");
    // The count comes before the reason to stop, which then never comes.
    let mut frames: Vec<&str> = events.split_inclusive("\n\n").collect();
    frames.retain(|frame| !frame.contains("\"stop\"") && !frame.contains("[DONE]"));
    rig.upstream.push(Answer::events(frames.concat()));
    let context = budgeted(1);
    let error = ask(&rig.gateway, &context, question("mock/priced", "hello", true)).await.error();
    assert!(error.message().contains("before the reply was complete"), "{error}");
    let bill = context.slot.take_bill().unwrap();
    assert_eq!(bill.cost, Money::from_nanos(100 * 1_000 + 50 * 2_000));
    assert!(bill.flags.is_empty(), "{:?}", bill.flags);
}

#[tokio::test]
async fn what_the_provider_refused_costs_nothing_and_a_retry_adds_to_the_bill() {
    let rig = rig(HastyClock::default()).await;
    rig.upstream.push(Answer::error(500, "oops"));
    let context = budgeted(1);
    let call = || question("mock/priced", "hello", false);
    ask(&rig.gateway, &context, call()).await.error();
    assert_eq!(context.slot.take_bill().unwrap().cost, Money::ZERO);
    assert!(context.slot.take_bill().is_none());
    rig.upstream.push(ChatReply::text("ok"));
    ask(&rig.gateway, &context, call()).await.answer();
    assert!(context.slot.take_bill().is_none(), "an answer carries its bill itself");
}

/// A ledger that answers later, as one behind a network does.
struct Elsewhere(Arc<MemoryLedger>);

impl Ledger for Elsewhere {
    fn reserve<'a>(
        &'a self,
        keys: &'a Arc<[BudgetKey]>,
        amount: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        Box::pin(async move {
            let taken = self.0.try_reserve(keys, amount);
            tokio::task::yield_now().await;
            taken
        })
    }

    fn lease<'a>(
        &'a self,
        key: &'a BudgetKey,
        least: Money,
        most: Money,
    ) -> BoxFuture<'a, Result<Reservation>> {
        self.0.lease(key, least, most)
    }

    fn report<'a>(
        &'a self,
        reservation: &'a Reservation,
        seen: Money,
    ) -> BoxFuture<'a, Result<()>> {
        self.0.report(reservation, seen)
    }

    fn meter<'a>(&'a self, tenant: &'a TenantId, used: Money) -> BoxFuture<'a, Result<()>> {
        self.0.meter(tenant, used)
    }

    fn available<'a>(&'a self, keys: &'a Arc<[BudgetKey]>) -> BoxFuture<'a, Result<Option<Money>>> {
        self.0.available(keys)
    }

    fn settle<'a>(
        &'a self,
        reservation: &'a Reservation,
        used: Money,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.try_settle(reservation, used)
        })
    }

    fn set_limits<'a>(
        &'a self,
        key: &'a BudgetKey,
        limits: BudgetLimits,
    ) -> BoxFuture<'a, Result<()>> {
        self.0.set_limits(key, limits)
    }

    fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, Result<Account>> {
        self.0.account(key)
    }

    fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
        self.0.shared(scope, agent)
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Vec<Expired>>> {
        self.0.sweep()
    }

    fn open<'a>(
        &'a self,
        key: &'a BudgetKey,
        limit: Option<Money>,
        spent: Money,
    ) -> BoxFuture<'a, Result<()>> {
        self.0.open(key, limit, spent)
    }

    fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
        self.0.close(key)
    }
}

#[tokio::test]
async fn a_slow_ledger_is_settled_behind_a_caller_who_left_at_any_moment() {
    let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1));
    for polls in 0..6 {
        let rig = rig(HastyClock::default()).await;
        let ledger = Arc::new(MemoryLedger::default());
        ledger.set_limit(&run, Some(Money::from_nanos(1_000_000_000)));
        let gateway = gateway_over(&rig, Elsewhere(ledger.clone()));
        gateway.register("test", Arc::new(of_all_kinds()));
        let context = budgeted(1);
        let call = question("test/priced", "3", true);
        let mut stream = gateway.call(&context, call).await.unwrap();
        for _ in 0..polls {
            let mut next = std::pin::pin!(stream.next());
            let _ = futures::poll!(&mut next);
        }
        drop(stream);
        rig.tasks.finished().await;
        let bill = context.slot.take_bill().unwrap();
        assert_eq!(ledger.totals(&run), (bill.cost, Money::ZERO), "after {polls} polls");
    }
}

fn gateway_over(rig: &Rig, ledger: impl Ledger) -> largestack_gateway::Gateway {
    let tasks: Arc<dyn Tasks> = Arc::new(rig.tasks.clone());
    let keys = largestack_http::Keys::default();
    largestack_gateway::Gateway::builder(largestack_gateway::Ports {
        transport: Arc::new(largestack_http::HttpTransport::new(keys)),
        ledger: Arc::new(ledger),
        switch: rig.switch.clone(),
        clock: Arc::new(HastyClock::default()),
        ids: Arc::new(largestack_testkit::CountingIds::default()),
        tasks,
    })
    .prices(crate::rig::prices())
    .build()
}
