//! HTTP/2 connections that say good-bye, through the whole stack: what was refused unread goes out
//! again, what may have been read is tried again as any broken call, and what was heard stays heard.

use std::sync::Arc;

use largestack_gateway::{Gateway, Ports, RetryPolicy};
use largestack_http::{HttpTransport, Keys, Network, TokioTasks};
use largestack_ports::ledger::{BudgetKey, MemoryLedger};
use largestack_ports::switch::MemorySwitch;
use largestack_ports::vault::Sensitive;
use largestack_testkit::upstream::{Farewell, Http2Upstream};
use largestack_testkit::{ChatReply, CountingIds, budgeted, question};
use largestack_types::errors::Coded;
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_wire::{Registry, Section};

use crate::rig::{HastyClock, ask};

struct Ground {
    upstream: Http2Upstream,
    gateway: Gateway,
    ledger: Arc<MemoryLedger>,
}

impl Ground {
    async fn new(attempts: u32) -> Self {
        let upstream = Http2Upstream::start().await.unwrap();
        let network = Network::default().trusting(upstream.authority().as_bytes()).unwrap();
        let keys = Keys::default().with("openai", Sensitive::new("sk-mock-0123456789abcdef"));
        let ledger = Arc::new(MemoryLedger::default());
        let mut registry = Registry::default();
        let section = Section { base_url: Some(upstream.url()), ..Section::default() };
        registry.define("openai", section);
        let ports = Ports {
            transport: Arc::new(HttpTransport::over(network.without_system_roots(), keys)),
            ledger: Arc::clone(&ledger) as _,
            switch: Arc::new(MemorySwitch::default()),
            clock: Arc::new(HastyClock::default()),
            ids: Arc::new(CountingIds::default()),
            tasks: Arc::new(TokioTasks::current().unwrap()),
        };
        let retry = RetryPolicy { attempts, saved: 1_000, ..RetryPolicy::default() };
        let gateway = Gateway::builder(ports).registry(registry).retry(retry).build();
        Self { upstream, gateway, ledger }
    }

    /// What a call comes to: its text, or the code of its error; and how much was delivered.
    async fn ask(&self, stream: bool) -> (Result<String, &'static str>, bool) {
        let heard =
            ask(&self.gateway, &budgeted(1), question("openai/gpt-4o-mini", "hello", stream)).await;
        let delivered = !heard.text.is_empty();
        let end = heard.end.unwrap();
        (end.map(|done| done.reply.text()).map_err(|error| error.code().name()), delivered)
    }

    fn push(&self, farewell: Farewell) {
        self.upstream.push(ChatReply::text("all of it").usage(12, 7), farewell);
    }

    fn nothing_is_reserved(&self) {
        let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1));
        assert_eq!(self.ledger.totals(&run).1, Money::ZERO);
    }
}

fn whole() -> String {
    "all of it".to_owned()
}

#[tokio::test]
async fn a_connection_that_is_drained_answers_what_it_has_and_the_next_call_connects_anew() {
    let ground = Ground::new(1).await;
    for stream in [false, true] {
        ground.push(Farewell::Draining);
        assert_eq!(ground.ask(stream).await.0, Ok(whole()), "stream: {stream}");
    }
    ground.push(Farewell::None);
    assert_eq!(ground.ask(false).await.0, Ok(whole()));
    assert_eq!(ground.upstream.counts(), (3, 3));
    ground.nothing_is_reserved();
}

#[tokio::test]
async fn what_was_not_answered_is_asked_again_over_a_new_connection() {
    for farewell in [Farewell::Unread, Farewell::InPlaceOfAnAnswer] {
        for stream in [false, true] {
            let ground = Ground::new(2).await;
            ground.push(farewell);
            ground.push(Farewell::None);
            assert_eq!(ground.ask(stream).await.0, Ok(whole()), "{farewell:?}, stream: {stream}");
            assert_eq!(ground.upstream.counts(), (2, 2), "{farewell:?}");
            ground.nothing_is_reserved();
        }
    }
}

#[tokio::test]
async fn without_another_attempt_it_is_the_providers_error() {
    for farewell in [Farewell::Unread, Farewell::InPlaceOfAnAnswer] {
        let ground = Ground::new(1).await;
        ground.push(farewell);
        assert_eq!(ground.ask(false).await, (Err("LARGESTACK_PROVIDER"), false), "{farewell:?}");
        ground.nothing_is_reserved();
    }
}

#[tokio::test]
async fn a_stream_that_was_heard_is_not_asked_for_again() {
    let ground = Ground::new(2).await;
    ground.push(Farewell::Midway);
    ground.push(Farewell::None);
    assert_eq!(ground.ask(true).await, (Err("LARGESTACK_PROVIDER"), true));
    assert_eq!(ground.upstream.counts(), (1, 1));
    ground.nothing_is_reserved();
}
