//! Events from outside at the command line: a run waits, somebody sends what it waits for from another
//! process, signed or not, and it goes on.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::{Done, Place};

const WAITING: i32 = 11;

/// A clerk whose model waits for a payment, and then says that it is done.
async fn clerk(tool: &str, arguments: &str, project: &str) -> (Place, Upstream) {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::chat(ChatReply::tool(tool, arguments)));
    upstream.push(Answer::chat(ChatReply::text("Done.")));
    let place = Place::new();
    let tools = "tools: [wait_for_event, sleep]\n";
    place.write("agent.yaml", format!("name: clerk\ninstructions: Wait.\nmodel: local/m\n{tools}"));
    let providers = format!("providers:\n  local:\n    base-url: \"{}\"\n", upstream.url());
    place.write("largestack.yaml", format!("{providers}{project}"));
    (place, upstream)
}

async fn run(place: &Place, arguments: &[&str]) -> Done {
    let mut command = place.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

/// What the model was told when it was asked again.
fn told(upstream: &Upstream) -> String {
    String::from_utf8_lossy(&upstream.requests()[1].body).into_owned()
}

const PAID: &str = r#"{"name":"paid"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_and_goes_on_when_another_process_sends_what_it_waits_for() {
    let (place, upstream) = clerk("wait_for_event", PAID, "").await;
    let waits = run(&place, &["run", ".", "Sell it.", "--json"]).await.expect(WAITING).json();
    assert_eq!(waits["waits"][0]["kind"], "event");
    assert_eq!(waits["waits"][0]["name"], "paid");
    let id = waits["run"].as_str().unwrap().to_owned();
    // Only kept, and the same again is the same.
    let words = ["signal", ".", &id, "paid", r#"{"amount":3}"#, "--id", "e1", "--json"];
    let sent = run(&place, &words).await.expect(0).json();
    assert_eq!((&sent["sent"], &sent["id"]), (&"kept".into(), &"given:e1".into()));
    assert_eq!(run(&place, &words).await.expect(0).json()["sent"], "known");
    let list = run(&place, &["signal", "last", "--list", "--json"]).await.expect(0).json();
    assert_eq!((&list[0]["event"], &list[0]["from"]), (&"paid".into(), &"local".into()));
    assert!(list[1].is_null() && list[0]["heard_by"].is_null() && list[0]["data"].is_null());
    let done = run(&place, &["resume", "last"]).await.expect(0);
    assert!(done.out.starts_with("Done."), "{}", done.out);
    assert!(told(&upstream).contains(r#"\"amount\":3"#), "{}", told(&upstream));
    let heard = run(&place, &["signal", "last", "--list"]).await.expect(0);
    assert!(heard.out.contains(&format!("of {id}")), "{}", heard.out);
    let trace = run(&place, &["trace", ".", "last"]).await.expect(0);
    assert!(trace.out.contains("waits for the event paid"), "{}", trace.out);
    let over = run(&place, &["signal", "last", "paid"]).await.expect(6);
    assert!(over.err.contains("has ended"), "{}", over.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_lets_the_run_go_on_at_once_and_reads_what_it_brings_from_a_pipe() {
    let (place, upstream) = clerk("wait_for_event", PAID, "").await;
    let waits = run(&place, &["run", ".", "Sell it."]).await.expect(WAITING);
    assert!(waits.err.contains("largestack signal run_"), "{}", waits.err);
    let other = run(&place, &["signal", "last", "other", "1"]).await.expect(WAITING);
    assert!(other.err.contains("other is kept for run_"), "{}", other.err);
    let place = std::sync::Arc::new(place);
    let there = std::sync::Arc::clone(&place);
    let piped = tokio::task::spawn_blocking(move || {
        there.pipe(br#"{"amount":7}"#, &["signal", ".", "last", "paid", "-", "--as", "shop"])
    });
    let done = piped.await.unwrap().expect(0);
    assert!(done.out.starts_with("Done."), "{}", done.out);
    assert!(told(&upstream).contains(r#"\"from\":\"shop\""#), "{}", told(&upstream));
    let wrong = run(&place, &["signal", "last", "paid", "{"]).await.expect(2);
    assert!(wrong.err.contains("is no JSON"), "{}", wrong.err);
    let nobody = run(&place, &["signal", "paid"]).await.expect(2);
    assert!(nobody.err.contains("no run is named"), "{}", nobody.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleep_is_over_when_its_moment_is_and_not_before() {
    let (place, _upstream) = clerk("sleep", r#"{"seconds":3600}"#, "").await;
    let waits = run(&place, &["run", ".", "Rest.", "--json"]).await.expect(WAITING).json();
    let until = waits["waits"][0]["until"].as_str().unwrap().to_owned();
    let early = run(&place, &["resume", "last", "--json"]).await.expect(WAITING).json();
    assert_eq!(early["waits"][0]["until"], until.as_str());
    let (place, upstream) = clerk("sleep", r#"{"until":"2026-01-01T00:00:00Z"}"#, "").await;
    let done = run(&place, &["run", ".", "Rest."]).await.expect(0);
    assert!(done.out.starts_with("Done."), "{}", done.out);
    assert!(told(&upstream).contains("has come"), "{}", told(&upstream));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_is_taken_once_from_a_key_that_is_known_and_an_unsigned_one_is_not() {
    let (place, upstream) = clerk("wait_for_event", PAID, "").await;
    let key = place.path("shop.key").display().to_string();
    let made = run(&place, &["signal", "--new-key", &key, "--as", "shop"]).await.expect(0);
    let rights = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(rights & 0o777, 0o600);
    let shown = run(&place, &["signal", "--public", &key]).await.expect(0);
    assert_eq!(made.out, shown.out);
    run(&place, &["signal", "--new-key", &key, "--as", "shop"]).await.expect(2);
    let known = place.read("largestack.yaml");
    place.write("largestack.yaml", format!("{known}signals:\n  require: true\n"));
    let waits = run(&place, &["run", ".", "Sell it.", "--json"]).await.expect(WAITING).json();
    let id = waits["run"].as_str().unwrap().to_owned();

    let refused = |done: Done, why: &str| {
        let done = done.expect(4);
        assert!(done.err.contains("/LARGESTACK_SIGNATURE"), "{}", done.err);
        assert!(done.err.contains(why), "{}", done.err);
    };
    let unsigned = run(&place, &["signal", ".", &id, "paid", "1"]).await;
    refused(unsigned, "it is not signed");
    let words = ["signal", ".", &id, "paid", r#"{"amount":3}"#, "--sign", &key];
    refused(run(&place, &words).await, "nobody here knows the key `shop`");
    let keys = format!("{known}signals:\n  require: true\n  keys:\n    {}", made.out);
    place.write("largestack.yaml", keys);
    let printed = run(&place, &[&words[..], &["--print"]].concat()).await.expect(0).out;
    let file = place.path("event.json").display().to_string();
    place.write("event.json", printed.replace(r#""amount":3"#, r#""amount":9"#));
    let deliver = ["signal", ".", "--signed", &file, "--no-resume"];
    refused(run(&place, &deliver).await, "not that of this event");
    place.write("event.json", &printed);
    let kept = run(&place, &deliver).await.expect(0);
    assert_eq!(kept.out, format!("paid is kept for {id}.\n"));
    refused(run(&place, &deliver).await, "came before");
    run(&place, &["resume", "last"]).await.expect(0);
    assert!(told(&upstream).contains(r#"\"from\":\"key shop\""#), "{}", told(&upstream));

    let young = format!("{known}signals:\n  max_age: 1ms\n  keys:\n    {}", made.out);
    place.write("largestack.yaml", young);
    refused(run(&place, &deliver).await, "s is the most");
}

#[test]
fn a_workflow_hears_what_was_sent_to_it() {
    let place = Place::new();
    let text = "name: paid\ninputs: []\nnodes:\n  wait: {event: payment, then: note}\n  \
                note: {set: \"Paid {{ wait.amount }}.\"}\n";
    place.write("flow/workflow.yaml", text);
    place.run(&["run", "flow", ""]).expect(WAITING);
    let other = ["signal", "flow", "last", "other", "1", "--no-resume"];
    assert!(place.run(&other).expect(0).out.starts_with("other is kept for run_"));
    let done = place.run(&["signal", "flow", "last", "payment", "{\"amount\": 3}"]).expect(0);
    assert!(done.out.starts_with("Paid 3.\n"), "{}", done.out);
}

#[test]
fn where_signatures_are_asked_for_nothing_is_told_to_a_run_without_one() {
    let place = Place::new();
    let text = "name: paid\ninputs: []\nnodes:\n  wait: {event: payment}\n";
    place.write("flow/workflow.yaml", text);
    place.write("flow/largestack.yaml", "signals: {require: true}\n");
    place.run(&["run", "flow", ""]).expect(WAITING);
    for told in [
        &["resume", "flow", "last", "--event", "payment=3"][..],
        &["signal", "flow", "last", "payment", "3"],
    ] {
        let refused = place.run(told).expect(4);
        assert!(refused.err.contains("/LARGESTACK_SIGNATURE"), "{}", refused.err);
    }
}
