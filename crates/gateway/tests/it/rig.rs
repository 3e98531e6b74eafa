//! A gateway with everything around it that a test wants to look at or to pull.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use largestack_gateway::{BreakerPolicy, Builder, Gateway, Ports, RetryPolicy};
use largestack_http::{HttpTransport, Keys, TokioTasks};
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::model::{Answer, CallContext, Model, ModelEvent};
use largestack_ports::switch::MemorySwitch;
use largestack_ports::transport::Timeouts;
use largestack_ports::vault::Sensitive;
use largestack_testkit::{CountingIds, FakeClock, Upstream};
use largestack_types::call::Call;
use largestack_types::delta::Delta;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_wire::price::{Book, Dollars, Section as PriceSection, TierSection};
use largestack_wire::profile::Prefill;
use largestack_wire::{Registry, Section};

/// 1,000 nano-dollars a token in and 2,000 out, and a dearer model at three times that.
pub(crate) fn prices() -> Book {
    let mut book = Book::default();
    for (provider, model, times) in [
        ("mock", "priced", 1),
        ("carry", "priced", 1),
        ("echo", "priced", 1),
        ("carry", "dear", 3),
        ("test", "priced", 1),
    ] {
        let dollars = |dollars: i64| Money::from_nanos(dollars * times * 1_000_000_000);
        book.define(provider, model, &PriceSection::flat(dollars(1), dollars(2))).unwrap();
    }
    let flex = Some(TierSection::Times(500));
    let one = Money::from_nanos(1_000_000_000);
    book.define("mock", "tiered", &PriceSection { flex, ..PriceSection::flat(one, one) }).unwrap();
    let dollars = |dollars: i64| Some(Dollars(Money::from_nanos(dollars * 1_000_000_000)));
    let vectors = PriceSection { input: dollars(1), ..PriceSection::default() };
    book.define("find", "embedder", &vectors).unwrap();
    let orders = PriceSection { search: dollars(2), ..PriceSection::default() };
    book.define("find", "reranker", &orders).unwrap();
    book
}

/// A clock on which every wait is over at once, and on record.
#[derive(Clone, Default)]
pub(crate) struct HastyClock(Arc<Mutex<Vec<Duration>>>);

impl HastyClock {
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Clock for HastyClock {
    fn now(&self) -> Timestamp {
        FakeClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

pub(crate) struct Rig {
    pub(crate) gateway: Gateway,
    pub(crate) upstream: Upstream,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) switch: Arc<MemorySwitch>,
    pub(crate) tasks: TokioTasks,
}

/// A gateway in front of the loopback provider `mock`, without retries.
pub(crate) async fn rig(clock: impl Clock) -> Rig {
    rig_with(clock, |builder| builder).await
}

pub(crate) async fn rig_with(clock: impl Clock, change: impl FnOnce(Builder) -> Builder) -> Rig {
    let upstream = Upstream::start().await.unwrap();
    let (ledger, switch) = (Arc::new(MemoryLedger::default()), Arc::new(MemorySwitch::default()));
    let tasks = TokioTasks::current().unwrap();
    let keys = ["mock", "carry", "echo", "find"].into_iter().fold(Keys::default(), |keys, name| {
        keys.with(name, Sensitive::new("sk-mock-0123456789abcdef"))
    });
    let ports = Ports {
        transport: Arc::new(HttpTransport::new(keys)),
        ledger: ledger.clone(),
        switch: switch.clone(),
        clock: Arc::new(clock),
        ids: Arc::new(CountingIds::default()),
        tasks: Arc::new(tasks.clone()),
    };
    let mut registry = Registry::default();
    let section = Section {
        base_url: Some(upstream.url()),
        key_env: Some(vec!["MOCK_API_KEY".to_owned()]),
        ..Section::default()
    };
    for (name, prefill, residency) in [
        ("mock", Prefill::No, "us"),
        ("carry", Prefill::Plain, "eu"),
        ("echo", Prefill::Prefix, "eu"),
    ] {
        let (prefill, residency) = (Some(prefill), Some(vec![residency.to_owned()]));
        registry.define(name, Section { prefill, residency, ..section.clone() });
    }
    // Who makes vectors and orders, and holds no conversation.
    let find = Section {
        wire: Some("none".to_owned()),
        embed: Some("cohere".to_owned()),
        rerank: Some("cohere".to_owned()),
        residency: Some(vec!["us".to_owned()]),
        ..section
    };
    registry.define("find", find);
    let builder = Gateway::builder(ports)
        .registry(registry)
        .prices(prices())
        .retry(RetryPolicy { attempts: 1, ..RetryPolicy::default() })
        .breaker(BreakerPolicy { failures: 1_000, ..BreakerPolicy::default() });
    Rig { gateway: change(builder).build(), upstream, ledger, switch, tasks }
}

/// Limits that only something that never answers can reach.
pub(crate) fn impatient() -> Timeouts {
    Timeouts {
        first_byte: Duration::from_millis(400),
        idle: Duration::from_millis(400),
        ..Timeouts::default()
    }
}

/// What a call came to.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) deltas: usize,
    pub(crate) restarts: usize,
    pub(crate) continued: Vec<String>,
    pub(crate) calls: Vec<(u32, String)>,
    pub(crate) end: Option<Result<Box<Answer>, LargestackError>>,
}

impl Heard {
    pub(crate) fn answer(self) -> Answer {
        *self.end.expect("an end").expect("an answer")
    }

    pub(crate) fn error(self) -> LargestackError {
        self.end.expect("an end").expect_err("an error")
    }
}

/// Makes a call and listens to its end.
pub(crate) async fn ask(model: &dyn Model, context: &CallContext, call: Call) -> Heard {
    let mut heard = Heard::default();
    let mut events = match model.call(context, call).await {
        Ok(events) => events,
        Err(error) => return Heard { end: Some(Err(error)), ..heard },
    };
    while let Some(event) = events.next().await {
        match event {
            Ok(ModelEvent::Delta(delta)) => {
                heard.deltas += 1;
                match delta {
                    Delta::Text { text } => heard.text.push_str(&text),
                    Delta::ToolCall { index, .. } => heard.calls.push((index, String::new())),
                    Delta::Arguments { text, .. } => heard.calls.last_mut().unwrap().1 += &text,
                    _ => {}
                }
            }
            Ok(ModelEvent::Restarted { .. }) => {
                heard.restarts += 1;
                heard.text.clear();
                heard.calls.clear();
            }
            Ok(ModelEvent::Continued { model }) => {
                heard.continued.push(model.to_string());
                heard.calls.clear();
            }
            Ok(ModelEvent::Done(answer)) => {
                heard.end = Some(Ok(answer));
                assert!(events.next().await.is_none(), "something came after the end");
                return heard;
            }
            Err(error) => {
                heard.end = Some(Err(error));
                assert!(events.next().await.is_none(), "something came after the end");
                return heard;
            }
        }
    }
    heard
}
