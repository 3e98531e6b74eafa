//! The fault matrix of vectors and of orders: every row that finds either, times everything that can
//! go wrong with it. Nobody takes over: vectors of two models do not compare.

use std::sync::Arc;

use largestack_gateway::{Gateway, RetryPolicy};
use largestack_ports::embedder::{EmbedRequest, Embedder as _, Purpose};
use largestack_ports::ledger::{BudgetKey, MemoryLedger};
use largestack_ports::model::CallContext;
use largestack_ports::reranker::{RerankRequest, Reranker as _};
use largestack_ports::transport::Timeouts;
use largestack_testkit::{Answer, FoundReply, Upstream, budgeted};
use largestack_types::errors::{Coded, Result};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_wire::{Provider, Registry};

use crate::matrix::{Fault, PATIENCE, booked, builder, faults, table};
use crate::rig::HastyClock;

const TEXTS: [&str; 3] = ["Größe", "zählt", "東京 🦀"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Vectors,
    Order,
}

type Wrong = fn() -> FoundReply;

/// Faults of any request, and finds that are none.
fn all_faults() -> Vec<Fault> {
    let mut all = faults(|| FoundReply::default().into());
    all.retain(|fault| !fault.stream);
    let wrong: [(&str, Wrong); 4] = [
        ("one is missing", || FoundReply::default().with_one_missing()),
        ("one is there twice", || FoundReply::default().with_one_twice()),
        ("one does not fit", || FoundReply::default().with_one_that_does_not_fit()),
        ("one is no number", || FoundReply::default().with_one_that_is_no_number()),
    ];
    all.extend(wrong.map(|(name, reply)| Fault::of(name, move || reply().into())));
    all.push(Fault::of("nothing said of usage", || FoundReply::default().without_usage().into()));
    all
}

struct Row {
    name: Arc<str>,
    asked: Asked,
    upstream: Upstream,
    bare: Gateway,
    retrying: (Gateway, HastyClock),
    ledger: Arc<MemoryLedger>,
}

impl Row {
    async fn of(row: &Provider, asked: Asked) -> Self {
        let upstream = Upstream::start().await.unwrap();
        let ledger = Arc::new(MemoryLedger::default());
        let timeouts = Timeouts { first_byte: PATIENCE, idle: PATIENCE, ..Timeouts::default() };
        let clock = HastyClock::default();
        let made = |clock| builder(row, &upstream, ledger.clone(), clock).timeouts(timeouts);
        let again = RetryPolicy { attempts: 2, saved: 1_000, ..RetryPolicy::default() };
        Self {
            name: row.name.clone(),
            asked,
            bare: made(HastyClock::default()).build(),
            retrying: (made(clock.clone()).retry(again).build(), clock),
            upstream,
            ledger,
        }
    }

    /// The cost of what was found, with its flags.
    async fn find(&self, gateway: &Gateway, context: &CallContext) -> Result<String> {
        let model: Arc<str> = format!("{}/m", self.name).into();
        let texts: Arc<[Arc<str>]> = TEXTS.map(Arc::from).into();
        let call = if self.asked == Asked::Vectors {
            let (purpose, dimensions) = (Purpose::Query, None);
            let request = EmbedRequest { model, texts, purpose, dimensions };
            let found = gateway.embed(context, request).await?;
            let places: Vec<f32> = found.vectors.iter().map(|vector| vector[0]).collect();
            assert_eq!(places, [0.0, 1.0, 2.0], "{}", self.name);
            found.call
        } else {
            let (query, top) = ("which?".into(), Some(2));
            let request = RerankRequest { model, query, documents: texts, top };
            let found = gateway.rerank(context, request).await?;
            let order: Vec<usize> = found.ranks.iter().map(|rank| rank.index).collect();
            assert_eq!(order, [2, 1], "{}", self.name);
            found.call
        };
        let flags: Vec<_> = call.flags.iter().map(|flag| &**flag).collect();
        let flags =
            if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) };
        Ok(format!("found{flags}, {}", booked(call.cost)))
    }

    async fn seen(&self, fault: &Fault) -> String {
        let context = budgeted(1);
        self.upstream.push((fault.answer)());
        match self.find(&self.bare, &context).await {
            Ok(found) => found,
            Err(error) => {
                assert!(!error.to_string().contains("sk-"), "{error}");
                let bill = context.slot.take_bill().unwrap_or_default();
                let retryable = if error.retryable() { "retryable" } else { "final" };
                format!("{} {retryable}, {}", error.code().name(), booked(bill.cost))
            }
        }
    }

    async fn retried(&self, fault: &Fault) -> &'static str {
        let (gateway, clock) = &self.retrying;
        let before = (self.upstream.counts().requests, clock.waits().len());
        self.upstream.push((fault.answer)());
        self.upstream.push(Answer::found(FoundReply::default()));
        let ended = self.find(gateway, &budgeted(1)).await;
        let waited = clock.waits().get(before.1).is_some_and(|wait| wait.as_secs() >= 7);
        let requests = self.upstream.counts().requests - before.0;
        if requests == 1 {
            // What was pushed for the second attempt is asked for now, so that nothing is left.
            self.find(gateway, &budgeted(1)).await.unwrap();
        }
        match (requests, ended, waited) {
            (1, ..) => "once",
            (2, Ok(_), true) => "again, when asked to",
            (2, Ok(_), false) => "again",
            (_, ended, _) => {
                panic!("{}: {} came to {requests} requests, {ended:?}", self.name, fault.name)
            }
        }
    }
}

async fn row_by_fault(row: Row) -> (Row, Vec<String>) {
    let mut outcomes = Vec::new();
    for fault in all_faults() {
        let (seen, retried) = (row.seen(&fault).await, row.retried(&fault).await);
        outcomes.push(format!("{seen} | asked {retried}"));
    }
    (row, outcomes)
}

async fn meet(asked: Asked, finds: fn(&Provider) -> bool) -> String {
    let registry = Registry::builtin();
    let rows = registry.providers().filter(|row| finds(row));
    let rows = futures::future::join_all(rows.map(|row| Row::of(row, asked))).await;
    let all = futures::future::join_all(rows.into_iter().map(row_by_fault)).await;
    for (row, _) in &all {
        let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1));
        assert_eq!(row.ledger.totals(&run).1, Money::ZERO, "{}: money is still reserved", row.name);
    }
    let faults = all_faults();
    let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
    let outcomes: Vec<_> = all.iter().map(|(row, came)| (&*row.name, &came[..])).collect();
    table(&names, &outcomes)
}

#[tokio::test]
async fn every_row_that_embeds_meets_every_fault_in_the_same_way() {
    insta::assert_snapshot!(meet(Asked::Vectors, |row| row.embed.is_some()).await);
}

#[tokio::test]
async fn every_row_that_reranks_meets_every_fault_in_the_same_way() {
    insta::assert_snapshot!(meet(Asked::Order, |row| row.rerank.is_some()).await);
}
