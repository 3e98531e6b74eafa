//! Runs that are ended from outside: Ctrl-C, the kill switch, the end of the process; and going on.

#![cfg(unix)]

use std::process::{Child, Command};

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::Place;

const QUESTION: &str = "How long may I keep a book?";
const MODEL: [&str; 2] = ["--model", "local/scripted"];

/// A library whose model is the upstream's.
pub(crate) fn library(upstream: &Upstream) -> Place {
    let place = Place::with_library();
    let project = format!("providers:\n  local:\n    base-url: {}\n", upstream.url());
    place.write("library/largestack.yaml", project);
    place
}

/// Starts a run and waits until its model has been asked.
pub(crate) async fn in_flight(place: &Place, upstream: &Upstream) -> Child {
    let asked = upstream.counts().requests;
    upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
    let child = place.command(&[&["run", "library", QUESTION][..], &MODEL].concat()).spawn();
    let child = child.expect("the binary runs");
    upstream.until(|counts| counts.requests > asked).await;
    // The model is asked before the run's beginning must be on the disk, which follows at once.
    let listed = || place.run(&["trace", "library", "--json"]).expect(0).json();
    let recorded = (0..1_000).any(|_| !listed()["runs"].as_array().unwrap().is_empty());
    assert!(recorded, "the run never showed");
    child
}

fn ends(child: Child) -> (i32, String) {
    let output = child.wait_with_output().expect("the binary ends");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), err)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_answers_through_the_same_command() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::chat(ChatReply::tool("search_knowledge", r#"{"query":"keep a book"}"#)));
    upstream.push(Answer::chat(ChatReply::text("Four weeks (borrowing.md:5-6).").usage(100, 9)));
    let place = library(&upstream);
    let done = place.run(&[&["run", "library", QUESTION][..], &MODEL].concat()).expect(0);
    assert!(done.out.starts_with("Four weeks (borrowing.md:5-6).\n"), "{}", done.out);
    assert!(done.out.contains("110 + 14 tokens"), "{}", done.out);
    assert!(!done.err.contains("offline/extractive"), "{}", done.err);
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_signals_cancel_the_run_and_the_journal_says_so() {
    for (signal, name) in [("-INT", "Ctrl-C"), ("-TERM", "SIGTERM")] {
        let upstream = Upstream::start().await.unwrap();
        let place = library(&upstream);
        let child = in_flight(&place, &upstream).await;
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let (code, err) = ends(child);
        assert_eq!(code, 130, "{err}");
        assert!(err.contains("Cancelling"), "{err}");
        let trace = place.run(&["trace", "library", "last"]).expect(0);
        let asked = format!("cancel asked (caller) by local: {name}");
        assert!(trace.out.contains(&asked), "{}", trace.out);
        assert!(trace.out.contains("cancelled"), "{}", trace.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_of_another_process_stops_a_call_in_flight() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    let child = in_flight(&place, &upstream).await;
    place.run(&["kill", "library", "--reason", "a leak"]).expect(0);
    let (code, err) = ends(child);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("LARGESTACK_KILL_SWITCH") && err.contains("a leak"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_off_is_taken_up_with_its_own_model() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    let mut child = in_flight(&place, &upstream).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let doctor = place.run(&["doctor", "library"]).expect(0);
    assert!(doctor.out.contains("1 run cut off, 0 under way now, 0 waiting"), "{}", doctor.out);
    upstream.push(Answer::chat(ChatReply::text("Four weeks.")));
    let done = place.run(&["resume", "library", "last"]).expect(0);
    assert!(done.out.starts_with("Four weeks.\n"), "{}", done.out);
    let trace = place.run(&["trace", "library", "last"]).expect(0);
    assert!(trace.out.contains("resumed") && trace.out.contains("(attempt 2)"), "{}", trace.out);
    let over = place.run(&["resume", "library", "last"]).expect(6);
    assert!(over.err.contains("has ended (completed)"), "{}", over.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_not_taken_up_with_another_definition_or_while_it_goes() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    let mut child = in_flight(&place, &upstream).await;
    let held = place.run(&["resume", "library", "last"]).expect(6);
    assert!(held.err.contains("LARGESTACK_CONFLICT"), "{}", held.err);
    child.kill().unwrap();
    child.wait().unwrap();
    let changed = place.read("library/agent.yaml").replace("You answer", "Please answer");
    place.write("library/agent.yaml", changed);
    let refused = place.run(&["resume", "library", "last"]).expect(6);
    assert!(refused.err.contains("LARGESTACK_DEFINITION"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_is_an_error_of_its_kind() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    upstream.push(Answer::error(401, "who are you?"));
    let arguments = [&["run", "library", QUESTION, "--json"][..], &MODEL].concat();
    let refused = place.run(&arguments).expect(3).json();
    assert_eq!(refused["status"], "failed");
    assert_eq!(refused["error"]["code"], "LARGESTACK_PROVIDER_AUTH");
    upstream.push(Answer::error(400, "what is this?"));
    let wrong = place.run(&arguments).expect(8).json();
    assert_eq!(wrong["error"]["code"], "LARGESTACK_PROVIDER");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_cut_short_ends_with_its_own_code() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    upstream.push(Answer::chat(ChatReply::text("Four").finish("length")));
    let done = place.run(&[&["run", "library", QUESTION][..], &MODEL].concat()).expect(10);
    assert!(done.out.contains("incomplete (length)"), "{}", done.out);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_output_cannot_be_written_is_cancelled_and_the_journal_says_why() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    upstream.push(Answer::chat(ChatReply::text("Four weeks.")).stall_before_head());
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let arguments = [&["run", "library", QUESTION, "--events"][..], &MODEL].concat();
    let child = place.command(&arguments).stdout(full).spawn().unwrap();
    let (code, err) = ends(child);
    assert_eq!(code, 1, "{err}");
    let trace = place.run(&["trace", "library", "last"]).expect(0);
    let asked = "cancel asked (caller) by local: the output cannot be written";
    assert!(trace.out.contains(asked), "{}", trace.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_streamed_to_whoever_watches_and_asked_whole_where_nobody_does() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    for (form, streams) in
        [("--quiet", true), ("--events", true), ("--json", false), ("--no-stream", false)]
    {
        upstream.push(Answer::chat(ChatReply::text("Four weeks.")));
        place.run(&[&["run", "library", QUESTION, form][..], &MODEL].concat()).expect(0);
        let requests = upstream.requests();
        let asked = &requests.last().unwrap().body;
        let asked: serde_json::Value = serde_json::from_slice(asked).unwrap();
        assert_eq!(asked["stream"].as_bool().unwrap_or(false), streams, "{form}: {asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_shows_what_its_events_say_and_that_it_was_cut_off() {
    let upstream = Upstream::start().await.unwrap();
    let place = library(&upstream);
    let call = ChatReply::tool("search_knowledge", r#"{"query":"keep a book"}"#).usage(100, 9);
    upstream.push(Answer::chat(call));
    upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
    let arguments = [&["run", "library", QUESTION][..], &MODEL].concat();
    let mut child = place.command(&arguments).spawn().unwrap();
    upstream.until(|counts| counts.requests > 1).await;
    let list = || place.run(&["trace", "library", "--json"]).expect(0).json()["runs"][0].clone();
    let turned = (0..1_000).any(|_| list()["turns"] == 1);
    assert!(turned, "the turn never showed: {}", list());
    assert_eq!(list()["status"], "running");
    child.kill().unwrap();
    child.wait().unwrap();
    let one = list();
    assert_eq!(one["status"], "interrupted", "{one}");
    assert_eq!((&one["turns"], &one["usage"]["input_tokens"]), (&1.into(), &100.into()), "{one}");
    let text = place.run(&["trace", "library", "last"]).expect(0);
    assert!(text.out.contains("interrupted · 1 turn · 100 + 9 tokens"), "{}", text.out);
    let next = format!("largestack resume library {}", place.last_run("library"));
    assert!(text.out.contains(&next), "{}", text.out);
    let listed = place.run(&["trace", "library"]).expect(0);
    assert!(listed.out.contains("interrupted"), "{}", listed.out);
    assert!(listed.err.contains("One was cut off"), "{}", listed.err);
}
