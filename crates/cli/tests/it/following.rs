//! `trace --follow`: a run watched from another process, over its interruption and its end.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader};

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};
use serde_json::Value;

use crate::interrupted::{in_flight, library};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_followed_over_its_interruption_until_it_ends_and_nothing_is_missed() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    let mut run = in_flight(&place, &upstream).await;
    let mut follower =
        place.command(&["trace", "library", "last", "--follow", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&first["seq"], &first["kind"]), (&1.into(), &"run_started".into()), "{first}");
    run.kill().unwrap();
    run.wait().unwrap();
    upstream.push(Answer::chat(ChatReply::text("Four weeks.")));
    place.run(&["resume", "library", "last"]).expect(0);
    let rest: Vec<Value> =
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(follower.wait().unwrap().success());
    let told: Vec<u64> = rest.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    let whole = place.run(&["trace", "library", "last", "--json"]).expect(0).json();
    let events = whole["events"].as_array().unwrap();
    assert_eq!(told, (2..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(rest.last().unwrap(), events.last().unwrap());
    assert_eq!(rest.last().unwrap()["kind"], "run_finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_ended_is_told_from_any_event_on_and_the_following_ends() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::chat(ChatReply::text("Four weeks.")));
    let place = library(&upstream);
    place.run(&["run", "library", "How long?", "--model", "local/scripted"]).expect(0);
    let text = place.run(&["trace", "library", "last", "--follow"]).expect(0);
    assert!(text.out.contains("asked") && text.out.contains("ended completed"), "{}", text.out);
    let later = ["trace", "library", "last", "--follow", "--json", "--from", "2"];
    let lines = place.run(&later).expect(0);
    let first: Value = serde_json::from_str(lines.out.lines().next().unwrap()).unwrap();
    assert_eq!(first["seq"], 2);
    let none = place.run(&["trace", "library", "--follow"]).expect(2);
    assert!(none.err.contains("there is no run to follow"), "{}", none.err);
    place.run(&["trace", "library", "last", "--from", "2"]).expect(2);
}
