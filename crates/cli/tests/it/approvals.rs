//! Questions to people at the command line: a run waits, somebody answers from another process, days
//! later or at once, and it goes on.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::{Done, Place};

const WAITING: i32 = 11;

/// A clerk whose model wants to write a file and then says that it is done.
async fn clerk(approvals: &str) -> (Place, Upstream) {
    let upstream = Upstream::start().await.unwrap();
    let call = r#"{"path":"a.txt","text":"hello"}"#;
    upstream.push(Answer::chat(ChatReply::tool("write_file", call)));
    upstream.push(Answer::chat(ChatReply::text("Done.")));
    let place = Place::new();
    place.write("out/README", "");
    place.write(
        "agent.yaml",
        format!(
            "name: clerk\ninstructions: Write.\nmodel: local/m\n\
             tools: {{write_file: {{root: out}}}}\n{approvals}\n"
        ),
    );
    let project = format!("providers:\n  local:\n    base-url: \"{}\"\n", upstream.url());
    place.write("largestack.yaml", project);
    (place, upstream)
}

/// The same, asked, and waiting for an answer to the question with this id.
async fn waiting(approvals: &str) -> (Place, Upstream, String) {
    let (place, upstream) = clerk(approvals).await;
    let done = run(&place, &["run", ".", "Write it.", "--json"]).await.expect(WAITING);
    let id = done.json()["waits"][0]["approval"].as_str().expect("a question").to_owned();
    assert!(!written(&place));
    (place, upstream, id)
}

async fn run(place: &Place, arguments: &[&str]) -> Done {
    let mut command = place.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

fn written(place: &Place) -> bool {
    place.path("out/a.txt").exists()
}

/// What the model was told when it was asked again.
fn told(upstream: &Upstream) -> String {
    String::from_utf8_lossy(&upstream.requests()[1].body).into_owned()
}

/// The text without what differs from run to run.
fn redacted(place: &Place, text: &str) -> String {
    let id = regex::Regex::new("apr_[0-9a-f]{32}").unwrap();
    id.replace_all(&place.redacted(text), "[QUESTION]").into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_and_goes_on_by_itself_when_another_process_answers() {
    let (place, upstream) = clerk("approvals: {tools: {write_file: {}}}").await;
    let asked = run(&place, &["run", ".", "Write it."]).await.expect(WAITING);
    insta::assert_snapshot!("approvals_asked", redacted(&place, &asked.err));
    let list = run(&place, &["approvals"]).await.expect(0);
    insta::assert_snapshot!("approvals_list", redacted(&place, &list.out));
    let json = run(&place, &["approvals", "--json"]).await.expect(0).json();
    let id = json["questions"][0]["question"].as_str().unwrap().to_owned();
    let whole = run(&place, &["approvals", "show", &id]).await.expect(0);
    insta::assert_snapshot!("approvals_show", redacted(&place, &whole.out));
    let answered = run(&place, &["approvals", "answer", ".", &id, "--choice", "approve"]).await;
    let answered = answered.expect(0);
    assert!(answered.out.starts_with("Done."), "{}", answered.out);
    assert_eq!((written(&place), upstream.requests().len()), (true, 2));
    let none = run(&place, &["approvals"]).await.expect(0);
    assert_eq!(none.out, "No run waits for an answer.\n");
    let all = run(&place, &["approvals", "--all", "--json"]).await.expect(0).json();
    assert_eq!(all["questions"][0]["standing"], "approved");
    assert_eq!(all["questions"][0]["votes"][0]["by"], "local");
    let trace = run(&place, &["trace", ".", "last"]).await.expect(0);
    assert!(trace.out.contains("approval asked"), "{}", trace.out);
    assert!(trace.out.contains(&format!("approved {id} (approve) by local")), "{}", trace.out);
    let again = run(&place, &["approvals", "answer", &id, "--choice", "deny"]).await.expect(6);
    assert!(again.err.contains("/LARGESTACK_APPROVAL"), "{}", again.err);
}

/// Changes a question in the store by hand: fewer people have to agree.
fn forge(place: &Place) {
    let state = place.path(".largestack/state.db");
    let mut bytes = std::fs::read(&state).unwrap();
    let (from, to) = (br#""quorum":2"#, br#""quorum":1"#);
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    bytes[at..at + to.len()].copy_from_slice(to);
    std::fs::write(&state, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_somebody_changed_in_the_store_is_named_beside_the_list() {
    let (place, _upstream, id) = waiting("approvals: {tools: {write_file: {quorum: 2}}}").await;
    forge(&place);
    let list = run(&place, &["approvals"]).await.expect(0);
    assert_eq!(list.out, "No run waits for an answer.\n");
    let said = format!("{id} cannot be trusted (LARGESTACK_APPROVAL_DENIED)");
    assert!(list.err.contains(&said), "{}", list.err);
    let json = run(&place, &["approvals", "--json"]).await.expect(0).json();
    assert_eq!(json["untrusted"][0]["question"], id.as_str());
    assert_eq!(json["untrusted"][0]["code"], "LARGESTACK_APPROVAL_DENIED");
    for name in [&id[..], &id[..20]] {
        let shown = run(&place, &["approvals", "show", name]).await.expect(4);
        assert!(shown.err.contains("/LARGESTACK_APPROVAL_DENIED"), "{}", shown.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_told_to_the_model_with_its_reason_and_nothing_runs() {
    let (place, upstream, id) = waiting("approvals: {capabilities: [write]}").await;
    let arguments =
        ["approvals", "answer", &id, "--choice", "deny", "--reason", "Not on a Sunday.", "--as"];
    run(&place, &[&arguments[..], &["ann"]].concat()).await.expect(0);
    assert!(!written(&place));
    let told = told(&upstream);
    assert!(told.contains("Not on a Sunday."), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_takes_each_right_once_and_a_right_can_be_handed_on() {
    let terms = "approvals: {tools: {write_file: {approvers: [ann, bob], quorum: 2, \
                 choices: {pay: run, wait: refuse}}}}";
    let (place, _upstream, id) = waiting(terms).await;
    let answer = async |more: &[&str]| {
        run(&place, &[&["approvals", "answer", &id][..], more].concat()).await
    };
    let eve = answer(&["--choice", "pay", "--as", "eve"]).await.expect(4);
    assert!(eve.err.contains("/LARGESTACK_APPROVAL_DENIED"), "{}", eve.err);
    answer(&["--choice", "approve", "--as", "ann"]).await.expect(2);
    let one = answer(&["--choice", "pay", "--as", "ann"]).await.expect(0);
    assert!(one.out.contains("1 of 2 have answered"), "{}", one.out);
    answer(&["--choice", "pay", "--as", "ann"]).await.expect(6);
    run(&place, &["resume", ".", "last"]).await.expect(WAITING);
    let hand_on = ["approvals", "delegate", &id, "--to", "dan", "--json", "--from"];
    run(&place, &[&hand_on[..], &["eve"]].concat()).await.expect(4);
    let token = run(&place, &[&hand_on[..], &["bob"]].concat()).await.expect(0).json();
    let token = token["token"].as_str().unwrap();
    answer(&["--choice", "pay", "--token", &"0".repeat(64)]).await.expect(4);
    answer(&["--choice", "pay", "--token", "nonsense"]).await.expect(2);
    let done = answer(&["--choice", "pay", "--token", token]).await.expect(0);
    assert!(done.out.starts_with("Done."), "{}", done.out);
    assert!(written(&place));
    let shown = run(&place, &["approvals", "show", &id]).await.expect(0).out;
    assert!(shown.contains("pay by dan in place of bob"), "{shown}");
    answer(&["--choice", "pay", "--token", token]).await.expect(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_processes_that_answer_at_once_one_is_heard() {
    let (place, _upstream, id) = waiting("approvals: {tools: {write_file: {}}}").await;
    let answer = |number: usize| {
        let choice = if number.is_multiple_of(2) { "approve" } else { "deny" };
        let who = format!("p{number}");
        let arguments = ["approvals", "answer", &id, "--choice", choice, "--no-resume", "--as"];
        place.command(&[&arguments[..], &[&*who]].concat()).spawn().unwrap()
    };
    let all: Vec<Child> = (0..6).map(answer).collect();
    let mut codes: Vec<i32> =
        all.into_iter().map(|child| Done::of(&child.wait_with_output().unwrap()).code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 6, 6, 6, 6, 6]);
    let shown = run(&place, &["approvals", "show", &id, "--json"]).await.expect(0).json();
    assert_eq!(shown["votes"].as_array().unwrap().len(), 1);
    let approved = shown["standing"] == "approved";
    run(&place, &["resume", ".", "last"]).await.expect(0);
    assert_eq!(written(&place), approved);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_question_is_answered_by_nobody_and_its_call_does_not_run() {
    let (place, upstream, id) =
        waiting("approvals: {tools: {write_file: {expires_after: 1ms}}}").await;
    let late = run(&place, &["approvals", "answer", &id, "--choice", "approve"]).await.expect(6);
    assert!(late.err.contains("has expired"), "{}", late.err);
    run(&place, &["resume", ".", "last"]).await.expect(0);
    assert!(!written(&place));
    assert!(told(&upstream).contains("nobody answered in time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_somebody_has_changed_in_the_store_is_refused() {
    let (place, _upstream, id) = waiting("approvals: {tools: {write_file: {quorum: 2}}}").await;
    forge(&place);
    let forged = run(&place, &["approvals", "answer", &id, "--choice", "approve"]).await.expect(4);
    assert!(forged.err.contains("somebody has changed it"), "{}", forged.err);
    run(&place, &["resume", ".", "last"]).await.expect(4);
    assert!(!written(&place));
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_change_only_where_the_question_lets_them_and_stay_within_their_schema() {
    let changed = r#"{"path":"b.txt","text":"other"}"#;
    let (place, _upstream, id) = waiting("approvals: {tools: {write_file: {}}}").await;
    let answer = ["approvals", "answer", &id, "--choice", "approve", "--arguments"];
    run(&place, &[&answer[..], &[changed]].concat()).await.expect(2);
    let (place, _upstream, id) =
        waiting("approvals: {editable: true, capabilities: [write]}").await;
    let answer = ["approvals", "answer", &id, "--choice", "approve", "--arguments"];
    for none in ["[]", "{", "7"] {
        run(&place, &[&answer[..], &[none]].concat()).await.expect(2);
    }
    run(&place, &[&answer[..], &[changed]].concat()).await.expect(0);
    assert_eq!((written(&place), place.read("out/b.txt")), (false, "other".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_question_is_said_to_be_none() {
    let (place, _upstream, id) = waiting("approvals: {tools: {write_file: {}}}").await;
    run(&place, &["approvals", "show", "nothing"]).await.expect(2);
    run(&place, &["approvals", "show", "apr_ffff"]).await.expect(5);
    let short = run(&place, &["approvals", "show", &id[..12], "--json"]).await.expect(0).json();
    assert_eq!(short["question"], id);
    assert_eq!(short["standing"], "open");
    let kept = ["approvals", "answer", &id, "--choice", "approve", "--json"];
    let kept = run(&place, &kept).await.expect(0).json();
    assert_eq!((kept["standing"].as_str(), written(&place)), (Some("approved"), false));
    run(&place, &["resume", ".", "last"]).await.expect(0);
    assert!(written(&place));
}

/// The binary at a terminal of its own, and its process id; nothing where no terminal can be made.
fn at_a_terminal(
    place: &Place,
    arguments: &str,
) -> Option<(Child, u32, BufReader<impl std::io::Read>)> {
    let found = Command::new("script").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: there is no `script` here, so nobody can sit at a terminal");
        return None;
    }
    let binary = env!("CARGO_BIN_EXE_largestack");
    let line = format!("echo pid=$$; exec {binary} {arguments}");
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(place.path("."))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", place.path("home"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut screen = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    screen.read_line(&mut first).unwrap();
    let id = first.trim().strip_prefix("pid=").expect("a process id").parse().unwrap();
    Some((child, id, screen))
}

/// Reads on until this was shown.
fn until(screen: &mut impl std::io::Read, text: &str) -> String {
    let (mut shown, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&shown).contains(text) {
        assert_eq!(screen.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
        shown.push(byte[0]);
    }
    String::from_utf8_lossy(&shown).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sits_at_the_terminal_is_asked_and_the_run_goes_on() {
    let (place, _upstream) = clerk("approvals: {tools: {write_file: {}}}").await;
    let Some((mut child, _, mut screen)) = at_a_terminal(&place, "run . 'Write it.'") else {
        return;
    };
    let shown = until(&mut screen, "leave it for later: ");
    assert!(shown.contains("path: a.txt") && shown.contains("approve|deny"), "{shown}");
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"perhaps\n").unwrap();
    until(&mut screen, "There is no such answer.");
    until(&mut screen, "leave it for later: ");
    keys.write_all(b"a\n").unwrap();
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert!(rest.contains("Done.") && written(&place), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_it_asks_leaves_the_question_to_others() {
    let (place, _upstream) = clerk("approvals: {tools: {write_file: {}}}").await;
    let Some((mut child, id, mut screen)) = at_a_terminal(&place, "run . 'Write it.'") else {
        return;
    };
    until(&mut screen, "leave it for later: ");
    let killed = Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
    assert!(killed.success());
    child.wait().unwrap();
    let json = run(&place, &["approvals", "--json"]).await.expect(0).json();
    let id = json["questions"][0]["question"].as_str().unwrap();
    let done = run(&place, &["approvals", "answer", id, "--choice", "approve"]).await.expect(0);
    assert!(done.out.starts_with("Done.") && written(&place), "{}", done.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_answered_in_time_is_listed_as_expired_until_its_run_goes_on() {
    let terms = "approvals: {tools: {write_file: {expires_after: 1s}}}";
    let (place, upstream, id) = waiting(terms).await;
    let mut standing = String::new();
    for _ in 0..1_000 {
        let list = run(&place, &["approvals", "--json"]).await.expect(0).json();
        assert_eq!(list["questions"][0]["question"], id.as_str(), "{list}");
        standing = list["questions"][0]["standing"].as_str().unwrap().to_owned();
        if standing == "expired" {
            break;
        }
    }
    assert_eq!(standing, "expired");
    let list = run(&place, &["approvals"]).await.expect(0);
    assert!(list.out.contains("expired") && list.err.contains("resume RUN"), "{}", list.err);
    run(&place, &["resume", "last"]).await.expect(0);
    assert!(!written(&place));
    assert!(told(&upstream).contains("nobody answered in time"), "{}", told(&upstream));
    let none = run(&place, &["approvals"]).await.expect(0);
    assert!(none.out.contains("No run waits"), "{}", none.out);
}
