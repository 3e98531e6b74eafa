//! Whatever can go wrong between here and a provider: the right error, a retry, or no harm.

use std::time::Duration;

use largestack_gateway::RetryPolicy;
use largestack_testkit::{Answer, ChatReply, Received, context, question};
use largestack_types::errors::{Code, Coded, LargestackError};
use largestack_types::reply::FinishReason;

use crate::rig::{HastyClock, Rig, ask, impatient, rig, rig_with};

const TEXT: &str = "Größe zählt: 東京 🦀";

fn reply() -> Answer {
    Answer::chat(ChatReply::text(TEXT).pieces(4).usage(12, 7))
}

fn html() -> Answer {
    Answer::html(200, "<html><body>Sign in with key sk-abcdef0123456789abcdef</body></html>")
}

/// Each fault: its name, whether somebody listens, what the provider does, the code it must come
/// to, whether trying again can help, and words of the message.
#[rustfmt::skip]
fn faults() -> Vec<(&'static str, bool, Answer, Code, bool, &'static str)> {
    use Code::{Context, ModelUnknown, Provider, ProviderAuth, ProviderTimeout, RateLimit};
    let error = Answer::error;
    vec![
        ("400", false, error(400, "bad request"), Provider, false, "HTTP 400: bad request"),
        ("401", false, error(401, "wrong key"), ProviderAuth, false, "wrong key"),
        ("404 of a model", false, error(404, "The model `priced` does not exist"), ModelUnknown, false, "priced"),
        ("413", false, error(413, "too large"), Context, false, "context"),
        ("429", false, error(429, "slow down"), RateLimit, true, "slow down"),
        ("500", false, error(500, "oops"), Provider, true, "oops"),
        ("503 to a listener", true, error(503, "busy"), Provider, true, "busy"),
        ("504", false, error(504, "upstream"), ProviderTimeout, true, "504"),
        ("529", false, error(529, "overloaded"), Provider, true, "overloaded"),
        ("a redirect", false, Answer::json(307, "").header("location", "/elsewhere"), Provider, false, "307"),
        ("an error page", false, Answer::html(502, "<h1>Bad gateway</h1>"), Provider, true, "502"),
        ("a page instead of a reply", false, html(), Provider, false, "text/html"),
        ("a page instead of a stream", true, html(), Provider, false, "[redacted]"),
        ("a picture", false, reply().content_type(Some("image/png")), Provider, false, "image/png"),
        ("half a JSON document", false, Answer::json(200, "{\"choices\": ["), Provider, true, "begins: {\"choices\": ["),
        ("JSON that is no reply", false, Answer::json(200, "{\"hello\": 1}"), Provider, true, "no choices"),
        ("an empty body", false, Answer::json(200, ""), Provider, true, "nothing"),
        ("stall before the head", false, reply().stall_before_head(), ProviderTimeout, true, "first byte"),
        ("stall in a body", false, reply().stall_after(20), ProviderTimeout, true, "next chunk"),
        ("stall in a stream", true, reply().stall_after(600), ProviderTimeout, true, "next chunk"),
        ("reset before the head", false, reply().reset_before_head(), Provider, true, "broke off"),
        ("reset in a body", false, reply().reset_after(20), Provider, true, "broke off"),
        ("reset in a stream", true, reply().reset_after(600), Provider, true, "broke off"),
        ("close in a body", false, reply().close_after(20), Provider, true, "broke off"),
        ("close in a stream", true, reply().close_after(600), Provider, true, "broke off"),
        ("a stream that ends too early", true, reply().end_after(600), Provider, true, "before the reply was complete"),
        ("an error inside a stream", true, Answer::events("data: {\"error\": {\"message\": \"it broke\", \"type\": \"server_error\"}}\n\n"), Provider, true, "it broke"),
        ("an error inside a body", false, Answer::json(200, "{\"error\": {\"message\": \"it broke\", \"type\": \"server_error\"}}"), Provider, true, "it broke"),
    ]
}

async fn fault_rig(attempts: u32) -> (Rig, HastyClock) {
    let clock = HastyClock::default();
    let rig = rig_with(clock.clone(), |builder| {
        let retry = RetryPolicy { attempts, saved: 1_000, ..RetryPolicy::default() };
        builder.retry(retry).timeouts(impatient())
    });
    (rig.await, clock)
}

#[tokio::test]
async fn every_fault_comes_to_its_own_error() {
    let (rig, _) = fault_rig(1).await;
    for (name, stream, answer, code, retryable, words) in faults() {
        rig.upstream.push(answer);
        let call = question("mock/priced", "hello", stream);
        let error = ask(&rig.gateway, &context(1), call).await.error();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert_eq!(error.retryable(), retryable, "{name}: {error}");
        assert!(error.message().contains(words), "{name}: {error}");
        assert!(!error.to_string().contains("sk-"), "{name}: {error}");
    }
    assert_eq!(rig.upstream.counts().requests, faults().len());
}

#[tokio::test]
async fn what_trying_again_can_mend_is_tried_again_and_nothing_else() {
    let (rig, clock) = fault_rig(2).await;
    for (name, stream, answer, code, retryable, _) in faults() {
        // Once something was delivered it is too late.
        let delivered = stream && !matches!(name, "503 to a listener" | "an error inside a stream");
        let mended = retryable && !delivered;
        let before = rig.upstream.counts().requests;
        rig.upstream.push(answer);
        if mended {
            rig.upstream.push(reply());
        }
        let call = question("mock/priced", "hello", stream);
        let heard = ask(&rig.gateway, &context(1), call).await;
        assert_eq!(rig.upstream.counts().requests - before, 1 + usize::from(mended), "{name}");
        if mended {
            let answer = heard.answer();
            assert_eq!(answer.reply.text(), TEXT, "{name}");
            let [(model, error)] = &answer.call.failed_attempts[..] else { panic!("{name}") };
            assert_eq!((&**model, error.code()), ("mock/priced", code), "{name}");
        } else {
            assert_eq!(heard.error().code(), code, "{name}");
        }
    }
    assert!(clock.waits().iter().all(|wait| *wait <= Duration::from_millis(500)));
}

#[tokio::test]
async fn what_is_only_odd_does_no_harm() {
    let (rig, _) = fault_rig(1).await;
    let chat = || ChatReply::text(TEXT).pieces(4).usage(12, 7);
    let slow = Duration::from_millis(1);
    let odd: Vec<(&str, bool, Answer, Option<&str>)> = vec![
        ("whole", false, reply(), None),
        ("streamed", true, reply(), None),
        ("whole in gzip", false, reply().gzip(), None),
        ("streamed in gzip", true, reply().gzip(), None),
        ("cut inside every character", true, reply().slowly(1, Duration::ZERO), None),
        ("slow", false, reply().slowly(97, slow), None),
        ("a malformed frame", true, chat().with_malformed_frame().into(), Some("malformed_frame")),
        ("the end twice", true, chat().with_repeated_end().into(), None),
        ("no content type", true, reply().content_type(None), None),
        ("whole to a listener", true, Answer::json(200, chat().whole("priced")), None),
        ("a stream to nobody", false, Answer::events(chat().events("priced")), None),
        (
            "a connection that breaks after the end",
            true,
            {
                let events = chat().events("priced");
                Answer::events(events.clone()).close_after(events.len())
            },
            None,
        ),
    ];
    for (name, stream, answer, flag) in odd {
        rig.upstream.push(answer);
        let heard = ask(&rig.gateway, &context(1), question("mock/priced", "hi", stream)).await;
        let streamed = stream && name != "whole to a listener";
        assert_eq!(heard.text, if streamed { TEXT } else { "" }, "{name}: {:?}", heard.end);
        let answer = heard.answer();
        assert_eq!(answer.reply.text(), TEXT, "{name}");
        assert_eq!(answer.reply.finish_reason, FinishReason::Stop, "{name}");
        assert_eq!(answer.reply.usage.output_tokens, Some(7), "{name}");
        let flags: Vec<&str> = answer.call.flags.iter().map(|flag| &**flag).collect();
        assert_eq!(flags, flag.into_iter().collect::<Vec<_>>(), "{name}");
    }
    // The two that close the connection aside, all came over the same one.
    assert!(rig.upstream.counts().connections <= 3, "{:?}", rig.upstream.counts());
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_is_waited_for() {
    let (rig, clock) = fault_rig(2).await;
    for (status, header, seconds) in [(429, "retry-after", 7), (503, "retry-after", 3)] {
        let asked = seconds.to_string();
        rig.upstream.push(Answer::error(status, "later").header(header, asked));
        rig.upstream.push(reply());
        let call = question("mock/priced", "hello", false);
        ask(&rig.gateway, &context(1), call).await.answer();
        let waited = clock.waits().last().copied().unwrap();
        let asked = Duration::from_secs(seconds);
        assert!(waited >= asked && waited <= asked.mul_f64(1.1), "{status}: {waited:?}");
    }
    let waits = clock.waits().len();
    rig.upstream.push(Answer::error(429, "tomorrow").header("retry-after", "86400"));
    let call = question("mock/priced", "hello", false);
    assert_eq!(ask(&rig.gateway, &context(1), call).await.error().code(), Code::RateLimit);
    assert_eq!(clock.waits().len(), waits);
}

#[tokio::test]
async fn nobody_there_is_transient_and_costs_nothing() {
    let rig = rig(HastyClock::default()).await;
    let address = rig.upstream.address();
    let Rig { gateway, upstream, .. } = rig;
    drop(upstream);
    // The listener is gone when a connection is refused.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let context = context(1);
    let error = ask(&gateway, &context, question("mock/priced", "hello", false)).await.error();
    assert!(error.retryable() && error.message().contains("cannot connect"), "{error}");
    let bill = context.slot.take_bill().unwrap();
    assert_eq!(bill.cost, largestack_types::money::Money::ZERO);
}

#[tokio::test]
async fn a_name_that_nobody_serves_is_refused_with_the_nearest() {
    let rig = rig(HastyClock::default()).await;
    let error =
        ask(&rig.gateway, &context(1), question("opnai/gpt-4o", "hello", false)).await.error();
    assert_eq!(error.code(), Code::ModelUnknown);
    assert!(error.suggestion().contains("openai/gpt-4o"), "{error}");
}

#[tokio::test]
async fn a_second_turn_sends_the_first_and_what_is_new() {
    let rig = rig(HastyClock::default()).await;
    let context = context(1);
    rig.upstream.push(reply());
    rig.upstream.push(reply());
    let mut call = question("mock/priced", "first", false);
    ask(&rig.gateway, &context, call.clone()).await.answer();
    let mut messages = call.messages.to_vec();
    messages.extend(question("mock/priced", "second", false).messages.to_vec());
    call.messages = messages.into();
    ask(&rig.gateway, &context, call).await.answer();
    let bodies: Vec<_> = rig.upstream.requests().iter().map(Received::json).collect();
    let said = |turn: usize, message: usize| bodies[turn]["messages"][message]["content"].clone();
    assert_eq!(said(0, 0), "first");
    assert_eq!((said(1, 0), said(1, 1)), ("first".into(), "second".into()));
    let request = &rig.upstream.requests()[0];
    assert_eq!(request.header("authorization").unwrap(), "Bearer sk-mock-0123456789abcdef");
}

#[tokio::test]
async fn a_missing_key_is_named_and_nothing_is_sent() {
    let rig = rig(HastyClock::default()).await;
    let error = ask(&rig.gateway, &context(1), question("openai/gpt-4o", "hello", false)).await;
    let LargestackError::ProviderAuthError(error) = error.error() else { panic!("no auth error") };
    assert_eq!(error.key_variable, "LARGESTACK_OPENAI_API_KEY");
}
