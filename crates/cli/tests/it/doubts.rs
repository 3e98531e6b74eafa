//! Calls that were cut off and may have happened: what is said of each on the command line.

#![cfg(target_os = "linux")]

use std::time::Duration;

use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::{Done, Place};

const WAITING: i32 = 11;

async fn run(place: &Place, arguments: &[&str]) -> Done {
    let mut command = place.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

/// A project whose only run was killed while it paid.
async fn killed(upstream: &Upstream) -> Place {
    let place = Place::new();
    place.write(
        "agent.yaml",
        "name: a\ninstructions: Help.\nmodel: local/m\ntaint: {on_untrusted: {execute: allow}}\n\
         tools:\n  pay: {command: [/bin/sh, -c, \"echo x >> paid; test -e go || sleep 60; echo ok\"], \
         description: Pays., folder: out, writes: [out], answer: text}\n",
    );
    place.write("out/a.txt", "");
    let url = upstream.url();
    place.write("largestack.yaml", format!("providers: {{local: {{base-url: \"{url}\"}}}}\n"));
    upstream.push(ChatReply::tool("pay", "{}"));
    upstream.push(ChatReply::text("Paid."));
    let mut running = place.command(&["run", ".", "Pay."]).spawn().unwrap();
    while !place.path("out/paid").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.kill().unwrap();
    running.wait().unwrap();
    place.write("out/go", "");
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_did_happen_is_said_with_what_it_returned() {
    let upstream = Upstream::start().await.unwrap();
    let place = killed(&upstream).await;
    let asked = run(&place, &["resume", "last"]).await.expect(WAITING);
    assert!(asked.err.contains("e2=tell-model|rerun|fail|happened=OUTPUT"), "{}", asked.err);
    let forked = run(&place, &["resume", "last", "--in-doubt", "e7=rerun"]).await.expect(2);
    assert!(
        forked.err.contains("e7 of run_") && forked.err.contains("not in doubt"),
        "{}",
        forked.err
    );
    let wrong = run(&place, &["resume", "last", "--in-doubt", "e2=perhaps"]).await.expect(2);
    assert!(wrong.err.contains("tell-model|rerun|fail"), "{}", wrong.err);
    let said = ["resume", "last", "--in-doubt", "e2=happened=receipt 7"];
    let done = run(&place, &said).await.expect(0);
    assert!(done.out.starts_with("Paid."), "{}", done.out);
    assert_eq!(place.read("out/paid").lines().count(), 1, "it is not paid twice");
    assert!(upstream.requests().pop().unwrap().says("receipt 7"));
    let trace = run(&place, &["trace", "last"]).await.expect(0);
    assert!(trace.out.contains("happened") && trace.out.contains("receipt 7"), "{}", trace.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_all_calls_holds_for_those_of_which_nothing_is_said() {
    let upstream = Upstream::start().await.unwrap();
    let place = killed(&upstream).await;
    let twice = ["resume", "last", "--in-doubt", "rerun", "--in-doubt", "fail"];
    let twice = run(&place, &twice).await.expect(2);
    assert!(twice.err.contains("two things about all calls"), "{}", twice.err);
    let said = ["resume", "last", "--in-doubt", "fail", "--in-doubt", "e2=rerun"];
    let done = run(&place, &said).await.expect(0);
    assert!(done.out.starts_with("Paid."), "{}", done.out);
    assert_eq!(place.read("out/paid").lines().count(), 2);
}
