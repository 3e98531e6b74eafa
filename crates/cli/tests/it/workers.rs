//! Workers that share a Postgres server: processes that are killed, stopped, drained and limited.

#![cfg(unix)]

use std::process::Command;

use largestack_testkit::services::{self, Database};
use largestack_testkit::upstream::{Answer, ChatReply, Upstream};
use serde_json::Value;

use crate::place::{Done, Place};
use crate::worker_process::{Worker, events};

const VARIABLES: [(&str, &str); 1] = [("OPENAI_API_KEY", "sk-mock-0123456789abcdef")];

/// A project whose agent has a tool that leaves a witness.
struct Shop {
    place: Place,
    upstream: Upstream,
    database: Database,
}

/// Leaves a line for each call, and answers.
const NOTE: &str = "  note:\n    command: [/bin/sh, -c, 'echo did >> witness; echo true']\n    \
                    description: Takes a note.\n    writes: [.]\n";

impl Shop {
    async fn new(name: &str, tools: &str, worker: &str) -> Option<Self> {
        let server = services::postgres()?;
        let upstream = Upstream::start().await.unwrap();
        Some(Self::over(&server, name, upstream, (tools, worker)))
    }

    fn over(server: &str, name: &str, upstream: Upstream, (tools, worker): (&str, &str)) -> Self {
        let database = Database::new(server, &format!("largestack_{name}"));
        let place = Place::new();
        let agent = "name: clerk\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n";
        place.write("agent.yaml", format!("{agent}tools:\n{tools}"));
        let url = upstream.url();
        place.write(
            "largestack.yaml",
            format!(
                "providers: {{openai: {{base-url: \"{url}\"}}}}\nstore: {{postgres: SHARED_DB}}\n\
                 worker: {{{worker}}}\n"
            ),
        );
        Self { place, upstream, database }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command.envs(VARIABLES).env("SHARED_DB", self.database.url());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Done {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        Done::of(&output.unwrap())
    }

    /// Asks the agent something that a worker does; its run.
    async fn enqueue(&self, more: &[&str]) -> String {
        let arguments = [&["enqueue", ".", "Do it."][..], more].concat();
        self.run(&arguments).await.expect(0).out.trim().to_owned()
    }

    fn worker(&self, more: &[&str]) -> Worker {
        let served = ["agent.yaml"].iter().chain(more).copied();
        let arguments: Vec<&str> = ["worker", "--json"].into_iter().chain(served).collect();
        Worker::start(self.command(&arguments))
    }

    async fn counts(&self) -> Value {
        self.run(&["queue", "--json"]).await.expect(0).json()["counts"].clone()
    }

    async fn trace(&self, run: &str) -> Value {
        self.run(&["trace", ".", run, "--json"]).await.expect(0).json()
    }

    /// Waits until what the tool came to is in the journal: until then nobody else knows.
    async fn noted(&self, run: &str) {
        while events(&self.trace(run).await, "tool_returned").is_empty() {}
    }

    /// How often the tool left its witness.
    fn witnessed(&self) -> usize {
        std::fs::read_to_string(self.place.path("witness")).unwrap_or_default().lines().count()
    }

    /// The model asks for the note, and then says nothing.
    fn notes_and_stalls(&self) {
        self.upstream.push(Answer::chat(ChatReply::tool("note", "{}")));
        self.upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_had_is_finished_by_another_and_no_effect_happens_twice() {
    let Some(shop) = Shop::new("killed", NOTE, "").await else { return };
    shop.notes_and_stalls();
    let mut one = shop.worker(&[]);
    one.until("started");
    let run = shop.enqueue(&[]).await;
    assert_eq!(one.until("taken")["run"], run.as_str());
    shop.upstream.until(|counts| counts.requests == 2).await;
    shop.noted(&run).await;
    let other = shop.worker(&[]);
    other.until("started");
    shop.upstream.push(ChatReply::text("Done.").usage(10, 5));
    one.killed();
    let taken = other.until("taken");
    assert_eq!((&taken["run"], &taken["attempt"]), (&run.as_str().into(), &2.into()));
    let over = other.until("over");
    assert_eq!((&over["became"], &over["status"]), (&"done".into(), &"completed".into()));
    assert_eq!(shop.witnessed(), 1);
    let trace = shop.trace(&run).await;
    assert_eq!(trace["run"]["status"], "completed");
    assert_eq!(events(&trace, "tool_returned").len(), 1);
    assert_eq!(shop.counts().await["done"], 1);
    let (code, stopped) = other.drained();
    assert_eq!((code, &stopped["done"]), (0, &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_past_its_lease_loses_its_run_and_writes_nothing_more() {
    let Some(shop) = Shop::new("stopped", NOTE, "lease: 1s").await else { return };
    shop.notes_and_stalls();
    let one = shop.worker(&[]);
    let run = shop.enqueue(&[]).await;
    one.until("taken");
    shop.upstream.until(|counts| counts.requests == 2).await;
    shop.noted(&run).await;
    one.signal("-STOP");
    shop.upstream.push(ChatReply::text("Done.").usage(10, 5));
    let other = shop.worker(&[]);
    assert_eq!(other.until("over")["became"], "done");
    let before = shop.trace(&run).await;
    one.signal("-CONT");
    // It hears that it has lost the run, and lets go of it.
    assert_eq!(one.until("over")["became"], "lost");
    let after = shop.trace(&run).await;
    assert_eq!(before["events"], after["events"], "nothing was written under the older fence");
    assert_eq!(events(&after, "run_finished").len(), 1);
    assert_eq!(shop.witnessed(), 1);
    // And goes on working.
    shop.upstream.push(ChatReply::text("Done.").usage(10, 5));
    other.drained();
    shop.enqueue(&[]).await;
    assert_eq!(one.until("over")["became"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_hands_back_what_it_cannot_finish_and_another_goes_on_there() {
    let Some(shop) = Shop::new("drained", NOTE, "drain: 1ms").await else { return };
    shop.notes_and_stalls();
    let one = shop.worker(&[]);
    let run = shop.enqueue(&[]).await;
    shop.upstream.until(|counts| counts.requests == 2).await;
    let (code, stopped) = one.drained();
    assert_eq!((code, &stopped["handed_back"]), (0, &1.into()));
    let listed = shop.run(&["queue", "--json"]).await.expect(0).json();
    assert_eq!(listed["runs"][0]["state"], "queued");
    assert_eq!(listed["runs"][0]["attempts"], 0, "it does not count: {listed}");
    shop.upstream.push(ChatReply::text("Done.").usage(10, 5));
    let other = shop.worker(&[]);
    assert_eq!(other.until("over")["became"], "done");
    assert_eq!(shop.witnessed(), 1);
    let trace = shop.trace(&run).await;
    assert_eq!(trace["run"]["status"], "completed");
    assert_eq!(events(&trace, "cancel_requested").len(), 0);
    assert_eq!(events(&trace, "tool_returned").len(), 1);
}

/// Kills the worker that calls it: it is not confined, and so starts below nobody else.
const KILLS: &str = "  note:
    command: [/bin/sh, -c, 'kill -9 $PPID']
    description: Ends who calls it.
    sandbox: none
    idempotent: true
";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_kills_its_workers_is_set_aside_where_people_see_it() {
    let Some(server) = services::postgres() else { return };
    // Whether the reply was recorded before the worker died is for chance to say.
    let upstream = Upstream::answering(|_| Answer::chat(ChatReply::tool("note", "{}")));
    let upstream = upstream.await.unwrap();
    let shop = Shop::over(&server, "poison", upstream, (KILLS, "attempts: 2"));
    let run = shop.enqueue(&[]).await;
    for attempt in 1..=2 {
        let mut worker = shop.worker(&[]);
        assert_eq!(worker.until("taken")["attempt"], attempt);
        worker.died();
    }
    let third = shop.worker(&[]);
    assert_eq!(third.until("reclaimed")["jobs"], 1);
    let listed = shop.run(&["queue", "--only", "poisoned", "--json"]).await.expect(0).json();
    assert_eq!(listed["counts"]["poisoned"], 1, "{listed}");
    let entry = &listed["runs"][0];
    assert_eq!((&entry["run"], &entry["attempts"]), (&run.as_str().into(), &2.into()));
    let message = entry["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("2 workers that had it ended"), "{message}");
    let shown = shop.run(&["queue"]).await.expect(0);
    assert!(shown.out.contains("poisoned") && shown.err.contains("--retry"), "{}", shown.out);
    drop(third);
    shop.run(&["queue", "--retry", &run]).await.expect(0);
    assert_eq!(shop.counts().await["queued"], 1);
    shop.run(&["cancel", ".", &run, "--reason", "no use"]).await.expect(0);
    assert_eq!(shop.trace(&run).await["run"]["status"], "cancelled");
    shop.run(&["queue", "--retry", &run]).await.expect(5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_another_process_lets_a_workers_run_go_on_and_a_cancellation_ends_it() {
    let asks = format!("{NOTE}    approval: required\n");
    let Some(shop) = Shop::new("people", &asks, "").await else { return };
    shop.upstream.push(Answer::chat(ChatReply::tool("note", "{}")));
    let worker = shop.worker(&[]);
    let run = shop.enqueue(&[]).await;
    assert_eq!(worker.until("over")["became"], "waiting");
    assert_eq!(shop.counts().await["waiting"], 1);
    shop.upstream.push(ChatReply::text("Done.").usage(10, 5));
    let questions = shop.run(&["approvals", "--json"]).await.expect(0).json();
    let id = questions["questions"][0]["question"].as_str().expect("a question").to_owned();
    let answer = ["approvals", "answer", ".", &id, "--choice", "approve"];
    let answered = shop.run(&answer).await.expect(0);
    assert!(answered.err.contains("A worker goes on"), "{}", answered.err);
    let followed = shop.run(&["trace", ".", &run, "--follow", "--json"]).await.expect(0);
    assert!(followed.out.contains("run_finished"), "{}", followed.out);
    assert_eq!(worker.until("over")["became"], "done");
    assert_eq!(shop.witnessed(), 1);

    // One that is under way is ended by its worker, one that waits at once.
    shop.upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
    let asked = shop.upstream.counts().requests;
    let run = shop.enqueue(&[]).await;
    shop.upstream.until(|counts| counts.requests > asked).await;
    let said = shop.run(&["cancel", ".", &run, "--reason", "enough"]).await.expect(0);
    assert!(said.out.contains("was asked to end it"), "{}", said.out);
    let over = worker.until("over");
    assert_eq!((&over["became"], &over["status"]), (&"done".into(), &"cancelled".into()));
    let later = shop.enqueue(&["--after", "1h"]).await;
    let waits = shop.run(&["trace", ".", &later]).await.expect(5);
    assert!(waits.err.contains("is queued and has not begun"), "{}", waits.err);
    let said = shop.run(&["cancel", ".", &later]).await.expect(0);
    assert!(said.out.contains("is cancelled"), "{}", said.out);
    shop.run(&["cancel", ".", &later]).await.expect(5);
    shop.run(&["trace", ".", &later, "--follow"]).await.expect(130);
}

/// Two agents with a person's question between them.
const PUBLISH: &str = "name: publish
inputs: [topic]
agents:
  writer: {instructions: Write., model: openai/gpt-4o-mini}
  editor: {instructions: Edit., model: openai/gpt-4o-mini}
nodes:
  draft: {agent: writer, prompt: \"Write about {{ topic }}.\", then: release}
  release: {ask: \"Release {{ draft }}?\", then: {yes: edit, no: end}}
  edit: {agent: editor, prompt: \"Edit: {{ draft }}\"}
answer: edit
";

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_whose_worker_is_killed_in_its_middle_is_answered_and_finished_by_another() {
    let Some(shop) = Shop::new("flow", NOTE, "").await else { return };
    shop.place.write("publish.workflow.yaml", PUBLISH);
    let worker = || shop.worker(&["publish.workflow.yaml"]);
    shop.upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
    let mut one = worker();
    let run = shop.run(&["enqueue", "publish.workflow.yaml", "bees"]).await.expect(0);
    let run = run.out.trim().to_owned();
    assert_eq!(one.until("taken")["name"], "publish");
    shop.upstream.until(|counts| counts.requests == 1).await;
    shop.upstream.push(ChatReply::text("Bees dance.").usage(10, 5));
    one.killed();
    let mut other = worker();
    assert_eq!(other.until("taken")["attempt"], 2);
    assert_eq!(other.until("over")["became"], "waiting");
    assert_eq!(shop.counts().await["waiting"], 1);
    // Whoever waits needs no process; whoever answers is another one again.
    other.killed();
    let open = shop.run(&["approvals", "--json"]).await.expect(0).json();
    assert_eq!(open["questions"][0]["reason"], "Release Bees dance.?");
    let id = open["questions"][0]["question"].as_str().expect("a question").to_owned();
    let answer = ["approvals", "answer", ".", &id, "--choice", "yes"];
    let answered = shop.run(&answer).await.expect(0);
    assert!(answered.err.contains("A worker goes on"), "{}", answered.err);
    shop.upstream.push(ChatReply::text("Bees do dance.").usage(10, 5));
    let third = worker();
    let over = third.until("over");
    assert_eq!((&over["became"], &over["status"]), (&"done".into(), &"completed".into()));
    let trace = shop.trace(&run).await;
    assert_eq!(trace["run"]["status"], "completed");
    assert_eq!(events(&trace, "node_finished").len(), 2, "each agent answered once");
    assert_eq!(shop.upstream.counts().requests, 3, "one call was cut off, and made again");
    let no_talk = ["enqueue", "publish.workflow.yaml", "bees", "--session", "a", "--json"];
    assert_eq!(shop.run(&no_talk).await.expect(2).json()["code"], "LARGESTACK_INPUT");
    let unfit = ["enqueue", "publish.workflow.yaml", "{\"other\": 1, \"topic\": 2}", "--json"];
    let unfit = shop.run(&unfit).await;
    assert_eq!(unfit.code, 0, "a text may hold anything: {}", unfit.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_over_all_workers_and_a_full_queue_refuses() {
    let Some(shop) = Shop::new("limits", NOTE, "per_agent: 1, max_queued: 2").await else { return };
    shop.upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
    let workers = [shop.worker(&[]), shop.worker(&[])];
    for worker in &workers {
        worker.until("started");
    }
    shop.enqueue(&[]).await;
    shop.upstream.until(|counts| counts.requests == 1).await;
    let second = shop.enqueue(&["--priority", "-1"]).await;
    let first = shop.enqueue(&["--priority", "5"]).await;
    let full = shop.run(&["enqueue", ".", "Do it.", "--json"]).await.expect(7).json();
    assert_eq!(
        (&full["code"], &full["retryable"]),
        (&"LARGESTACK_QUEUE_FULL".into(), &true.into())
    );
    assert_eq!(shop.counts().await["running"], 1);
    assert_eq!(shop.upstream.counts().requests, 1);
    for _ in 0..2 {
        shop.upstream.push(ChatReply::text("Done.").usage(10, 5));
    }
    let listed = shop.run(&["queue", "--only", "running", "--json"]).await.expect(0).json();
    let going = listed["runs"][0]["run"].as_str().unwrap().to_owned();
    shop.run(&["cancel", ".", &going]).await.expect(0);
    for run in [&first, &second] {
        shop.run(&["trace", ".", run, "--follow", "--json"]).await.expect(0);
    }
    let began = |trace: &Value| trace["run"]["started"].as_str().unwrap().to_owned();
    let (first, second) = (shop.trace(&first).await, shop.trace(&second).await);
    assert!(began(&first) < began(&second), "by priority");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_runs_are_each_done_once_by_two_workers_of_which_one_is_killed() {
    use largestack_ports::queue::{Job, Queue as _};
    use largestack_types::scope::Scope;

    let Some(server) = services::postgres() else { return };
    let upstream = Upstream::answering(|_| Answer::chat(ChatReply::text("Done.").usage(10, 5)));
    let upstream = upstream.await.unwrap();
    let shop = Shop::over(&server, "thousand", upstream, (NOTE, "concurrency: 16"));
    // Makes the tables and the key.
    shop.enqueue(&[]).await;
    let (ids, clock) = (largestack_http::OsIds::new().unwrap(), largestack_http::SystemClock);
    let key = shop.place.path(".largestack/vault.key");
    let options = largestack_store::PostgresOptions::new(
        std::sync::Arc::new(ids),
        std::sync::Arc::new(clock),
        key,
    );
    let store = largestack_store::PostgresStore::connect(&shop.database.url(), options).await;
    let store = store.unwrap();
    let scope = Scope::local();
    for number in 1..1_000 {
        let job = Job::agent("clerk", format!("Question {number}?"));
        store.enqueue(&scope, job, 2_000).await.unwrap();
    }
    let mut one = shop.worker(&[]);
    let other = shop.worker(&[]);
    one.until("over");
    one.killed();
    let mut done = 0;
    while done < 1_000 {
        other.until("over");
        let counts = store.counts(&scope).await.unwrap();
        let of = |state| counts.iter().find(|(known, _)| *known == state).map_or(0, |c| c.1);
        assert_eq!(of(largestack_ports::queue::State::Poisoned), 0);
        done = of(largestack_ports::queue::State::Done);
    }
    let runs = largestack_ports::journal::Journal::runs(&store, &scope, 2_000).await.unwrap();
    let completed = runs.iter().filter(|run| run.status.is_final() && run.seq > 0).count();
    assert_eq!((runs.len(), completed), (1_000, 1_000), "each has one journal, and its end");
}

#[test]
fn without_a_server_workers_and_queues_say_what_to_configure() {
    let place = Place::new();
    place.write("agent.yaml", "name: clerk\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n");
    let verbs: [&[&str]; 2] = [&["worker", ".", "--json"], &["enqueue", ".", "Do it.", "--json"]];
    for verb in verbs {
        let error = place.run(verb).expect(2).json();
        assert_eq!(error["code"], "LARGESTACK_CONFIG", "{error}");
        assert!(error["suggestion"].as_str().unwrap().contains("store: {postgres:"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_goes_on_when_the_event_comes_and_when_the_moment_does() {
    let tools = "  wait_for_event: {}\n  sleep: {}\n";
    let Some(shop) = Shop::new("waits", tools, "").await else { return };
    let worker = shop.worker(&[]);
    worker.until("started");
    shop.upstream.push(Answer::chat(ChatReply::tool("wait_for_event", r#"{"name":"paid"}"#)));
    shop.upstream.push(Answer::chat(ChatReply::text("Thanks.")));
    let run = shop.enqueue(&[]).await;
    assert_eq!(worker.until("over")["became"], "waiting");
    let sent = shop.run(&["signal", ".", &run, "paid", "3"]).await.expect(0);
    assert!(sent.err.contains(&format!("A worker goes on with {run}")), "{}", sent.err);
    assert_eq!(worker.until("over")["became"], "done");
    let bodies = shop.upstream.requests();
    let told = String::from_utf8_lossy(&bodies[1].body).into_owned();
    assert!(told.contains(r#"\"data\":3"#), "{told}");

    // Nobody wakes it: its moment comes.
    shop.upstream.push(Answer::chat(ChatReply::tool("sleep", r#"{"seconds":1}"#)));
    shop.upstream.push(Answer::chat(ChatReply::text("Awake.")));
    shop.enqueue(&[]).await;
    assert_eq!(worker.until("over")["became"], "waiting");
    let over = worker.until("over");
    assert_eq!((&over["became"], &over["status"]), (&"done".into(), &"completed".into()));
}
