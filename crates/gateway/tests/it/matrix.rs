//! The fault matrix: every row of the provider table that serves a model, times everything that
//! can go wrong. For each: what the caller sees, what is booked, whether it is
//! tried again, and whether another model takes over. The table is a snapshot; rows that differ
//! from the others are named in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use largestack_gateway::{Builder, Gateway, Ports, RetryPolicy};
use largestack_http::{HttpTransport, Keys, TokioTasks};
use largestack_ports::ledger::{BudgetKey, MemoryLedger};
use largestack_ports::switch::MemorySwitch;
use largestack_ports::transport::{Timeouts, Transport};
use largestack_ports::vault::Sensitive;
use largestack_testkit::{
    Answer, ChatReply, CountingIds, Place, TestModel, Turn, Upstream, budgeted, question,
};
use largestack_types::errors::Coded;
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_wire::price::{Book, Section as Price};
use largestack_wire::{Auth, Param, Provider, Registry, Section};

use crate::rig::{HastyClock, ask};

/// Limits that only something that never answers, or never ends, can reach.
pub(crate) const PATIENCE: Duration = Duration::from_millis(900);

/// The key of every row.
pub(crate) const KEY: &str = "sk-mock-0123456789abcdef";

const TEXT: &str = "Größe zählt: 東京 🦀";

fn chat() -> ChatReply {
    ChatReply::text(TEXT).pieces(4).usage(12, 7)
}

/// A good reply, whole or streamed as it is asked for, in the row's protocol.
fn reply() -> Answer {
    chat().into()
}

/// What goes wrong, whether somebody listens, and whether only a limit of the whole call ends it.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) stream: bool,
    endless: bool,
    pub(crate) answer: Box<dyn Fn() -> Answer>,
}

impl Fault {
    /// An answer to somebody who waits for the whole.
    pub(crate) fn of(name: &'static str, answer: impl Fn() -> Answer + 'static) -> Self {
        Self { name, stream: false, endless: false, answer: Box::new(answer) }
    }
}

/// What goes wrong with a good reply, and with conversations alone.
pub(crate) fn faults(reply: fn() -> Answer) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut add = |name, stream, answer: Box<dyn Fn() -> Answer>| {
        faults.push(Fault { name, stream, endless: name == "slow loris", answer });
    };
    let statuses: [(&str, u16, &str); 15] = [
        ("400", 400, "bad request"),
        ("401", 401, "wrong key"),
        ("402", 402, "no credit"),
        ("403", 403, "forbidden"),
        ("404 of the model", 404, "The model `m` does not exist"),
        ("408", 408, "too slow"),
        ("409", 409, "conflict"),
        ("413", 413, "too large"),
        ("422", 422, "not understood"),
        ("429", 429, "slow down"),
        ("500", 500, "oops"),
        ("502", 502, "bad gateway"),
        ("503", 503, "busy"),
        ("504", 504, "gave up"),
        ("529", 529, "overloaded"),
    ];
    for (name, status, message) in statuses {
        add(name, false, Box::new(move || Answer::error(status, message)));
    }
    let page = |status| Answer::html(status, "<html><h1>Bad gateway</h1></html>");
    add(
        "429 with Retry-After",
        false,
        Box::new(|| Answer::error(429, "wait").header("retry-after", "7")),
    );
    add("a page with status 502", false, Box::new(move || page(502)));
    add("a page with status 200", false, Box::new(move || page(200)));
    add("a page to a listener", true, Box::new(move || page(200)));
    add("another content type", false, Box::new(move || reply().content_type(Some("image/png"))));
    add("malformed JSON", false, Box::new(|| Answer::json(200, "{\"choices\": [")));
    add("an empty body", false, Box::new(|| Answer::json(200, "")));
    add("no answer", false, Box::new(move || reply().stall_before_head()));
    add("a stall in the body", false, Box::new(move || reply().stall_after(20)));
    add("a stall in the stream", true, Box::new(move || reply().stall_after(Place::Midway)));
    add("slow loris", true, Box::new(move || reply().slowly(1, Duration::from_millis(40))));
    add("a reset before the head", false, Box::new(move || reply().reset_before_head()));
    add("a reset in the body", false, Box::new(move || reply().reset_after(20)));
    add("a reset in the stream", true, Box::new(move || reply().reset_after(Place::Midway)));
    add("a close in the stream", true, Box::new(move || reply().close_after(Place::Midway)));
    add("a truncated stream", true, Box::new(move || reply().end_after(Place::Midway)));
    add("an error inside the stream", true, Box::new(|| chat().with_failure_inside().into()));
    add("a malformed frame", true, Box::new(|| chat().with_malformed_frame().into()));
    add("the end twice", true, Box::new(|| chat().with_repeated_end().into()));
    add("characters cut over chunks", true, Box::new(move || reply().slowly(1, Duration::ZERO)));
    add("gzip", false, Box::new(move || reply().gzip()));
    add("gzip to a listener", true, Box::new(move || reply().gzip()));
    add("no content type", true, Box::new(move || reply().content_type(None)));
    faults
}

/// One row in front of an upstream of its own.
struct Row {
    name: Arc<str>,
    upstream: Upstream,
    /// Nothing is tried again and nobody takes over; the second with a limit of the whole call.
    bare: [Gateway; 2],
    retrying: [(Gateway, HastyClock); 2],
    falling: [Gateway; 2],
    ledger: Arc<MemoryLedger>,
}

impl Row {
    async fn of(row: &Provider) -> Self {
        let upstream = Upstream::start().await.unwrap();
        let ledger = Arc::new(MemoryLedger::default());
        let gateway = |endless: bool, change: &dyn Fn(Builder) -> Builder, clock: HastyClock| {
            let timeouts = if endless {
                Timeouts { total: PATIENCE, ..Timeouts::default() }
            } else {
                Timeouts { first_byte: PATIENCE, idle: PATIENCE, ..Timeouts::default() }
            };
            let made = change(builder(row, &upstream, ledger.clone(), clock).timeouts(timeouts));
            let gateway = made.build();
            let second = TestModel::repeating([Turn::text("from the second")]);
            gateway.register("test", Arc::new(second));
            gateway
        };
        let both = |change: &dyn Fn(Builder) -> Builder| {
            [false, true].map(|endless| gateway(endless, change, HastyClock::default()))
        };
        let again = RetryPolicy { attempts: 2, saved: 1_000, ..RetryPolicy::default() };
        Self {
            bare: both(&|builder| builder),
            falling: both(&|builder| builder.fallbacks("test", ["test/second"])),
            retrying: [false, true].map(|endless| {
                let clock = HastyClock::default();
                (gateway(endless, &|builder| builder.retry(again), clock.clone()), clock)
            }),
            name: row.name.clone(),
            upstream,
            ledger,
        }
    }

    fn call(&self, fault: &Fault) -> largestack_types::call::Call {
        self.upstream.push((fault.answer)());
        question(&format!("{}/m", self.name), "hello", fault.stream)
    }

    /// What the caller sees, and whether anything was booked.
    async fn seen(&self, fault: &Fault) -> String {
        let context = budgeted(1);
        let gateway = &self.bare[usize::from(fault.endless)];
        let heard = ask(gateway, &context, self.call(fault)).await;
        match heard.end.unwrap() {
            Ok(answer) => {
                assert_eq!(answer.reply.text(), TEXT, "{}: {}", self.name, fault.name);
                let flags: Vec<_> = answer.call.flags.iter().map(|flag| &**flag).collect();
                let flags = if flags.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", flags.join(", "))
                };
                format!("answered{flags}, {}", booked(answer.call.cost))
            }
            Err(error) => {
                assert!(!error.to_string().contains("sk-"), "{error}");
                let bill = context.slot.take_bill().unwrap_or_default();
                let retryable = if error.retryable() { "retryable" } else { "final" };
                format!("{} {retryable}, {}", error.code().name(), booked(bill.cost))
            }
        }
    }

    async fn retried(&self, fault: &Fault) -> &'static str {
        let (gateway, clock) = &self.retrying[usize::from(fault.endless)];
        let before = (self.upstream.counts().requests, clock.waits().len());
        let call = self.call(fault);
        self.upstream.push(reply());
        let heard = ask(gateway, &budgeted(1), call).await;
        let waits = clock.waits();
        let asked = Duration::from_secs(7);
        let waited = waits.get(before.1).is_some_and(|w| (asked..asked + asked / 10).contains(w));
        let requests = self.upstream.counts().requests - before.0;
        let ended = heard.end.unwrap();
        if requests == 1 {
            // What was pushed for the second attempt is asked for now, so that nothing is left.
            let rest = question(&format!("{}/m", self.name), "rest", false);
            ask(gateway, &budgeted(1), rest).await.answer();
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

    async fn fell(&self, fault: &Fault) -> &'static str {
        let gateway = &self.falling[usize::from(fault.endless)];
        let heard = ask(gateway, &budgeted(1), self.call(fault)).await;
        let restarts = heard.restarts;
        match heard.end.unwrap() {
            Ok(answer) if answer.call.provider.as_deref() != Some("test") => "not needed",
            Ok(_) if restarts > 0 => "the next begins again",
            Ok(_) => "the next",
            Err(_) => "nobody",
        }
    }
}

pub(crate) fn booked(cost: Money) -> &'static str {
    if cost == Money::ZERO { "nothing booked" } else { "booked" }
}

pub(crate) fn builder(
    row: &Provider,
    upstream: &Upstream,
    ledger: Arc<MemoryLedger>,
    clock: HastyClock,
) -> Builder {
    let keys = Keys::default().with(&*row.name, Sensitive::new(KEY));
    builder_over(row, &upstream.url(), (ledger, clock), Arc::new(HttpTransport::new(keys)))
}

/// The same over another way out.
pub(crate) fn builder_over(
    row: &Provider,
    url: &str,
    (ledger, clock): (Arc<MemoryLedger>, HastyClock),
    transport: Arc<dyn Transport>,
) -> Builder {
    let known = |(name, param): (&String, &Param)| {
        let value = Some(param.value.clone().unwrap_or_else(|| "here".to_owned()));
        (name.clone(), Param { value, ..param.clone() })
    };
    // How credentials of clouds are got is not a matter of faults.
    let auth = match row.auth {
        Auth::Bearer | Auth::Header(_) | Auth::None => row.auth.clone(),
        _ => Auth::Bearer,
    };
    let section = Section {
        auth: Some(auth),
        base_url: Some(url.to_owned()),
        params: Some(row.params.iter().map(known).collect()),
        ..Section::default()
    };
    let mut registry = Registry::default();
    registry.define(row.name.clone(), section);
    let mut prices = Book::default();
    let dollars = |dollars: i64| Money::from_nanos(dollars * 1_000_000_000);
    prices.define(row.name.clone(), "m", &Price::flat(dollars(1), dollars(2))).unwrap();
    let ports = Ports {
        transport,
        ledger,
        switch: Arc::new(MemorySwitch::default()),
        clock: Arc::new(clock),
        ids: Arc::new(CountingIds::default()),
        tasks: Arc::new(TokioTasks::current().unwrap()),
    };
    Gateway::builder(ports)
        .registry(registry)
        .prices(prices)
        .retry(RetryPolicy { attempts: 1, ..RetryPolicy::default() })
        .breaker(largestack_gateway::BreakerPolicy {
            failures: 10_000,
            ..largestack_gateway::BreakerPolicy::default()
        })
}

/// Faults by what comes of them; rows that differ from most are named.
pub(crate) fn table(faults: &[&str], all: &[(&str, &[String])]) -> String {
    let mut table = String::new();
    for (index, fault) in faults.iter().enumerate() {
        let mut by_outcome: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (row, outcomes) in all {
            by_outcome.entry(&outcomes[index]).or_default().push(row);
        }
        let most = by_outcome.values().map(Vec::len).max().unwrap();
        let mut by_outcome: Vec<_> = by_outcome.into_iter().collect();
        by_outcome.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        for (outcome, rows) in by_outcome {
            let who =
                if rows.len() == most { String::new() } else { format!(" [{}]", rows.join(", ")) };
            writeln!(table, "{fault}{who}: {outcome}").unwrap();
        }
    }
    table
}

async fn row_by_fault(row: Row) -> (Row, Vec<String>) {
    let mut outcomes = Vec::new();
    for fault in faults(reply) {
        let seen = row.seen(&fault).await;
        let (retried, fell) = (row.retried(&fault).await, row.fell(&fault).await);
        outcomes.push(format!("{seen} | asked {retried} | takes over: {fell}"));
    }
    (row, outcomes)
}

#[tokio::test]
async fn every_row_meets_every_fault_in_the_same_way() {
    let registry = Registry::builtin();
    // Rows for embeddings and rerankers alone serve no model.
    let serving = registry.providers().filter(|row| row.wire != "none");
    let rows = futures::future::join_all(serving.map(|row| Row::of(row))).await;
    let all = futures::future::join_all(rows.into_iter().map(row_by_fault)).await;
    let names = faults(reply).iter().map(|fault| fault.name).collect::<Vec<_>>();
    let outcomes = all.iter().map(|(row, outcomes)| (&*row.name, &outcomes[..]));
    insta::assert_snapshot!(table(&names, &outcomes.collect::<Vec<_>>()));
    for (row, _) in &all {
        let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1));
        assert_eq!(row.ledger.totals(&run).1, Money::ZERO, "{}: money is still reserved", row.name);
    }
}
