//! Replies that are given again: which, to whom, and what they cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use largestack_gateway::CachePolicy;
use largestack_ports::BoxFuture;
use largestack_ports::cache::{Cache, CachedReply, MemoryCache};
use largestack_ports::ledger::BudgetKey;
use largestack_ports::model::{CallContext, Model as _, ModelEvent};
use largestack_testkit::{
    Answer, ChatReply, FakeClock, TestModel, Turn, budgeted, context, question,
};
use largestack_types::call::{Call, Settings};
use largestack_types::errors::{Code, Coded, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::reply::FinishReason;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;

use crate::rig::{HastyClock, Rig, ask, rig_with};

fn policy() -> CachePolicy {
    CachePolicy { ttl: Duration::from_mins(1), ..CachePolicy::default() }
}

async fn set_up(policy: CachePolicy) -> (Rig, FakeClock) {
    let clock = FakeClock::default();
    let rig = rig_with(clock.clone(), |builder| builder.cache("test", policy));
    (rig.await, clock)
}

fn exact(model: &str, text: &str, stream: bool) -> Call {
    let settings = Settings { temperature: Some(0.0), ..Settings::default() };
    Call { settings: Arc::new(settings), ..question(model, text, stream) }
}

fn cached(answer: &largestack_ports::model::Answer) -> bool {
    answer.call.flags.iter().any(|flag| &**flag == "cache_hit")
}

#[tokio::test]
async fn a_second_call_is_answered_at_once_costs_nothing_and_says_so() {
    let (rig, _) = set_up(policy()).await;
    let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1));
    rig.ledger.set_limit(&run, Some(Money::from_nanos(1_000_000_000)));
    rig.upstream.push(ChatReply::text("Größe 42").pieces(3).usage(10, 5));
    let first = ask(&rig.gateway, &budgeted(1), exact("mock/priced", "hi", true)).await;
    assert_eq!(first.deltas, 3);
    let first = first.answer();
    assert!(!cached(&first) && first.call.cost > Money::ZERO);
    for stream in [true, false] {
        let again = ask(&rig.gateway, &budgeted(1), exact("mock/priced", "hi", stream)).await;
        assert_eq!(again.text, if stream { "Größe 42" } else { "" });
        let answer = again.answer();
        assert_eq!(answer.reply.parts, first.reply.parts);
        assert_eq!(answer.reply.finish_reason, FinishReason::Stop);
        assert!(cached(&answer));
        assert_eq!((answer.call.cost, answer.reply.usage.total_tokens()), (Money::ZERO, 0));
        assert_eq!(answer.call.provider.as_deref(), Some("mock"));
    }
    assert_eq!(rig.ledger.totals(&run), (first.call.cost, Money::ZERO));
    assert_eq!(rig.upstream.counts().requests, 1);
}

#[tokio::test]
async fn nothing_is_kept_unless_an_agent_asks_for_it_and_nothing_sampled_unless_it_says_so() {
    let asked = |builder: largestack_gateway::Builder| builder.cache("other", policy());
    let rig = rig_with(HastyClock::default(), asked).await;
    let model = TestModel::repeating([Turn::text("again")]);
    rig.gateway.register("test", Arc::new(model.clone()));
    let twice = async |call: Call, context: CallContext| {
        let before = model.calls().len();
        for _ in 0..2 {
            ask(&rig.gateway, &context, call.clone()).await.answer();
        }
        model.calls().len() - before
    };
    let other = || CallContext { agent: "other".into(), ..context(1) };
    assert_eq!(twice(exact("test/m", "a", false), context(1)).await, 2);
    assert_eq!(twice(exact("test/m", "a", false), other()).await, 1);
    assert_eq!(twice(question("test/m", "a", false), other()).await, 2);
    let warm = Settings { temperature: Some(0.01), ..Settings::default() };
    let warm = Call { settings: Arc::new(warm), ..question("test/m", "a", false) };
    assert_eq!(twice(warm.clone(), other()).await, 2);
    let (rig, _) = set_up(CachePolicy { sampled: true, ..policy() }).await;
    rig.upstream.push(ChatReply::text("one"));
    for _ in 0..2 {
        let call = Call { model: "mock/priced".into(), ..warm.clone() };
        assert_eq!(ask(&rig.gateway, &context(1), call).await.answer().reply.text(), "one");
    }
}

#[tokio::test]
async fn a_reply_is_given_until_it_expires() {
    let (rig, clock) = set_up(policy()).await;
    rig.upstream.push(ChatReply::text("old"));
    rig.upstream.push(ChatReply::text("new"));
    let call = || exact("mock/priced", "hi", false);
    ask(&rig.gateway, &context(1), call()).await.answer();
    clock.advance(Duration::from_micros(59_999_999));
    assert_eq!(ask(&rig.gateway, &context(1), call()).await.answer().reply.text(), "old");
    clock.advance(Duration::from_micros(1));
    assert_eq!(ask(&rig.gateway, &context(1), call()).await.answer().reply.text(), "new");
}

#[tokio::test]
async fn what_is_cut_off_filtered_refused_empty_or_failed_is_asked_again() {
    use FinishReason::{ContentFilter, Length, Other};
    let turns = [
        Turn::text("half").finish(Length),
        Turn::text("fil").finish(ContentFilter),
        Turn::refusal("no"),
        Turn::text(" "),
        Turn::text("odd").finish(Other),
        Turn::tool("search", "{}"),
        Turn::error(LargestackError::other(Code::Provider, "no")),
    ];
    for turn in turns {
        let (rig, _) = set_up(policy()).await;
        let model = TestModel::repeating([turn.clone()]);
        rig.gateway.register("test", Arc::new(model.clone()));
        for _ in 0..2 {
            ask(&rig.gateway, &context(1), exact("test/m", "hi", false)).await;
        }
        assert_eq!(model.calls().len(), 2, "{turn:?}");
    }
    let (rig, _) = set_up(CachePolicy { tool_calls: true, ..policy() }).await;
    let model = TestModel::repeating([Turn::tool("search", r#"{"q":1}"#)]);
    rig.gateway.register("test", Arc::new(model.clone()));
    for _ in 0..2 {
        let heard = ask(&rig.gateway, &context(1), exact("test/m", "hi", true)).await;
        assert_eq!(heard.calls, [(0, r#"{"q":1}"#.to_owned())]);
    }
    assert_eq!(model.calls().len(), 1);
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_not_kept_in_the_name_of_the_first() {
    let rig = rig_with(HastyClock::default(), |builder| {
        builder.cache("test", policy()).fallbacks("test", ["carry/priced"])
    })
    .await;
    rig.upstream.push(Answer::error(500, "down"));
    rig.upstream.push(ChatReply::text("from the second"));
    rig.upstream.push(ChatReply::text("from the first"));
    for text in ["from the second", "from the first", "from the first"] {
        let heard = ask(&rig.gateway, &context(1), exact("mock/priced", "hi", false)).await;
        assert_eq!(heard.answer().reply.text(), text);
    }
}

#[tokio::test]
async fn tenants_and_policies_do_not_see_each_other() {
    let (rig, _) = set_up(policy()).await;
    let tenant = |name: &str| CallContext {
        scope: Scope::authenticated(TenantId::new(name).unwrap(), "ann"),
        ..context(1)
    };
    for (number, name) in ["acme", "other", "acme", "other"].into_iter().enumerate() {
        if number < 2 {
            rig.upstream.push(ChatReply::text(format!("for {name}")));
        }
        let heard = ask(&rig.gateway, &tenant(name), exact("mock/priced", "hi", false)).await;
        assert_eq!(heard.answer().reply.text(), format!("for {name}"));
    }
    assert_eq!(rig.upstream.counts().requests, 2);
}

#[tokio::test]
async fn of_many_who_ask_the_same_at_once_one_asks_the_provider() {
    let (rig, _) = set_up(policy()).await;
    rig.upstream.push(
        Answer::from(ChatReply::text("for all").pieces(7)).slowly(64, Duration::from_millis(1)),
    );
    let calls = (0..50).map(|number| {
        let (context, gateway) = (budgeted(number), &rig.gateway);
        async move { ask(gateway, &context, exact("mock/priced", "hi", number % 2 == 0)).await }
    });
    let heard = futures::future::join_all(calls).await;
    let hits = heard.into_iter().map(|heard| {
        let answer = heard.answer();
        assert_eq!(answer.reply.text(), "for all");
        assert_eq!(cached(&answer), answer.call.cost == Money::ZERO);
        usize::from(cached(&answer))
    });
    assert_eq!(hits.sum::<usize>(), 49);
    assert_eq!(rig.upstream.counts().requests, 1);
}

#[tokio::test]
async fn a_leader_who_leaves_hands_over_and_one_who_fails_lets_everybody_ask() {
    let (rig, _) = set_up(policy()).await;
    rig.upstream.push(Answer::from(ChatReply::text("never")).stall_after(300));
    let context = context(1);
    let mut leader = rig.gateway.call(&context, exact("mock/priced", "hi", true)).await.unwrap();
    let first = leader.next();
    let reached = rig.upstream.until(|counts| counts.requests == 1);
    tokio::select! { _ = first => {}, _ = reached => {} }
    rig.upstream.push(ChatReply::text("after all"));
    let others = (0..5).map(|_| ask(&rig.gateway, &context, exact("mock/priced", "hi", true)));
    let mut others = std::pin::pin!(futures::future::join_all(others));
    assert!(futures::poll!(&mut others).is_pending());
    assert_eq!(rig.upstream.counts().requests, 1);
    drop(leader);
    for heard in others.await {
        assert_eq!(heard.answer().reply.text(), "after all");
    }
    assert_eq!(rig.upstream.counts().requests, 2);

    for _ in 0..3 {
        rig.upstream.push(Answer::error(400, "no"));
    }
    let wrong = (0..3).map(|_| ask(&rig.gateway, &context, exact("mock/priced", "wrong", false)));
    for heard in futures::future::join_all(wrong).await {
        assert_eq!(heard.error().code(), Code::Provider);
    }
    assert_eq!(rig.upstream.counts().requests, 5);
}

/// A store behind a network: it answers later, counts, and may be down.
struct Elsewhere {
    inner: MemoryCache,
    looked: AtomicUsize,
    down: bool,
}

impl Cache for Elsewhere {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Arc<CachedReply>>>> {
        Box::pin(async move {
            self.looked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if self.down {
                return Err(LargestackError::other(Code::Store, "down"));
            }
            self.inner.get(scope, key, now).await
        })
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        reply: Arc<CachedReply>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.down {
                return Err(LargestackError::other(Code::Store, "down"));
            }
            self.inner.put(scope, key, reply, now).await
        })
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<u64>> {
        self.inner.clear(scope)
    }
}

#[tokio::test]
async fn another_process_finds_it_in_the_store_and_one_that_is_down_does_no_harm() {
    for down in [false, true] {
        let inner = MemoryCache::new(1 << 20);
        let store = Arc::new(Elsewhere { inner, looked: AtomicUsize::new(0), down });
        let process = || {
            rig_with(HastyClock::default(), |builder| {
                builder.cache("test", policy()).cache_store(store.clone())
            })
        };
        let (one, two) = (process().await, process().await);
        one.upstream.push(ChatReply::text("from one"));
        two.upstream.push(ChatReply::text("from two"));
        ask(&one.gateway, &context(1), exact("mock/priced", "hi", false)).await.answer();
        one.tasks.finished().await;
        let second = context(2);
        let both = (0..2).map(|_| ask(&two.gateway, &second, exact("mock/priced", "hi", false)));
        for heard in futures::future::join_all(both).await {
            let expected = if down { "from two" } else { "from one" };
            assert_eq!(heard.answer().reply.text(), expected);
        }
        // One looked for both, and memory has it now.
        ask(&two.gateway, &context(3), exact("mock/priced", "hi", false)).await.answer();
        assert_eq!(store.looked.load(Ordering::SeqCst), 2);
        assert_eq!(two.upstream.counts().requests, usize::from(down));
    }
}

#[tokio::test]
async fn a_listener_of_a_hit_hears_the_same_words_as_of_the_first() {
    let (rig, _) = set_up(policy()).await;
    let turn = Turn::reasoning("hm").and_text("one ").and_text("two").pieces(2);
    rig.gateway.register("test", Arc::new(TestModel::new([turn])));
    let context = context(1);
    let words = async || {
        let call = exact("test/m", "hi", true);
        let mut events = rig.gateway.call(&context, call).await.unwrap();
        let (mut thought, mut said) = (String::new(), String::new());
        while let Some(Ok(event)) = events.next().await {
            match event {
                ModelEvent::Delta(largestack_types::delta::Delta::Text { text }) => said += &text,
                ModelEvent::Delta(largestack_types::delta::Delta::Reasoning { text }) => {
                    thought += &text;
                }
                _ => {}
            }
        }
        (thought, said)
    };
    let first = words().await;
    assert_eq!(first, ("hm".to_owned(), "one two".to_owned()));
    assert_eq!(words().await, first);
}
