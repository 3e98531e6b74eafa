//! Workers that a Restate server calls: agents and workflows, killed, asked, told and ended, and the same
//! in a program that was built without them.

#![cfg(unix)]

use crate::place::Place;

const AGENT: &str = "name: clerk\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n";

#[cfg(not(feature = "restate"))]
#[test]
fn a_program_without_restate_says_so_and_what_to_build() {
    let place = Place::new();
    place.write("agent.yaml", AGENT);
    let verbs: [&[&str]; 2] = [
        &["worker", ".", "--engine", "restate", "--json"],
        &["enqueue", ".", "Do it.", "--engine", "restate", "--json"],
    ];
    for verb in verbs {
        let error = place.run(verb).expect(2).json();
        assert_eq!(error["code"], "LARGESTACK_CONFIG", "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("the feature `restate`"), "{error}");
        let advice = error["suggestion"].as_str().unwrap();
        assert!(advice.contains("--features restate"), "{error}");
    }
}

#[test]
fn flags_that_say_nothing_to_an_engine_are_refused_by_name() {
    let place = Place::new();
    place.write("agent.yaml", AGENT);
    let cases: [(&[&str], &str); 5] = [
        (&["worker", ".", "--listen", "127.0.0.1:0", "--json"], "--listen"),
        (&["worker", ".", "--engine", "restate", "--drain", "1s", "--json"], "--drain"),
        (&["worker", ".", "--engine", "restate", "--concurrency", "1", "--json"], "--concurrency"),
        (&["enqueue", ".", "x", "--ingress", "http://127.0.0.1:1", "--json"], "--ingress"),
        (&["enqueue", ".", "x", "--engine", "restate", "--priority", "1", "--json"], "--priority"),
    ];
    for (arguments, flag) in cases {
        let error = place.run(arguments).expect(2).json();
        assert_eq!(error["code"], "LARGESTACK_INPUT", "{arguments:?}: {error}");
        assert!(error["message"].as_str().unwrap().contains(flag), "{error}");
    }
    let error = place.run(&["worker", ".", "--engine", "temporal", "--json"]).expect(2).json();
    assert!(error["message"].as_str().unwrap().contains("none of `store`, `restate`"), "{error}");
}

#[cfg(feature = "restate")]
mod on_a_server {
    use std::process::Command;

    use largestack_testkit::services::{self, RestateServer, free_port};
    use largestack_testkit::upstream::{Answer, ChatReply, Upstream};
    use serde_json::Value;

    use super::AGENT;
    use crate::place::{Done, Place};
    use crate::worker_process::{Worker, events};

    /// Leaves a line for each call, and answers.
    const NOTE: &str = "tools:\n  note:\n    command: [/bin/sh, -c, 'echo did >> witness; echo true']\n    writes: [.]\n    \
                        description: Takes a note.\n";
    /// Writes, asks a person, hears of an event, and makes its answer of all that.
    const FLOW: &str = "name: publish
inputs: [topic]
agents:
  writer: {instructions: Write., model: openai/gpt-4o-mini}
nodes:
  draft: {agent: writer, prompt: \"Write about {{ topic }}.\", then: release}
  release: {ask: \"Release {{ draft }}?\", then: {yes: paid, no: end}}
  paid: {event: payment, then: note}
  note: {set: \"{{ draft }}, for {{ paid.amount }}.\"}
answer: note
";

    /// A project whose runs a Restate server drives.
    struct Shop {
        server: RestateServer,
        place: Place,
        upstream: Upstream,
    }

    impl Shop {
        async fn new() -> Option<Self> {
            let binary = services::restate()?;
            let place = Place::new();
            let server = RestateServer::start(binary, &place.path("server"));
            let upstream = Upstream::start().await.unwrap();
            place.write("agent.yaml", format!("{AGENT}{NOTE}"));
            place.write("publish.workflow.yaml", FLOW);
            place.write(
                "largestack.yaml",
                format!(
                    "providers: {{openai: {{base-url: \"{}\"}}}}\nworker:\n  engine: restate\n  \
                     restate: {{listen: \"127.0.0.1:{}\", ingress: \"{}\", admin: \"{}\"}}\n",
                    upstream.url(),
                    free_port(),
                    server.ingress(),
                    server.admin(),
                ),
            );
            Some(Self { server, place, upstream })
        }

        fn command(&self, arguments: &[&str]) -> Command {
            let mut command = self.place.command(arguments);
            command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef");
            command
        }

        async fn run(&self, arguments: &[&str]) -> Done {
            let mut command = self.command(arguments);
            let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
            Done::of(&output.unwrap())
        }

        fn worker(&self) -> Worker {
            let served = ["worker", "agent.yaml", "publish.workflow.yaml", "--json"];
            let worker = Worker::start(self.command(&served));
            worker.until("started");
            worker
        }

        async fn enqueue(&self, arguments: &[&str]) -> String {
            let arguments = [&["enqueue"][..], arguments].concat();
            self.run(&arguments).await.expect(0).out.trim().to_owned()
        }

        async fn trace(&self, run: &str) -> Value {
            self.run(&["trace", ".", run, "--json"]).await.expect(0).json()
        }

        /// Waits until the copy of a run has an event of this kind.
        async fn copied(&self, run: &str, kind: &str) {
            loop {
                // Until its first step is recorded there is no copy.
                let shown = self.run(&["trace", ".", run, "--json"]).await;
                if shown.code == 0 && !events(&shown.json(), kind).is_empty() {
                    return;
                }
            }
        }

        /// Waits until the copy of a run stands so.
        async fn stands(&self, run: &str, status: &str) {
            while self.trace(run).await["run"]["status"] != status {}
        }

        /// Waits until somebody is asked; the question.
        async fn asked(&self) -> String {
            loop {
                let open = self.run(&["approvals", "--json"]).await;
                let open = if open.code == 0 { open.json() } else { Value::Null };
                if let Some(question) = open["questions"][0]["question"].as_str() {
                    return question.to_owned();
                }
            }
        }

        fn says(&self, text: &str) {
            self.upstream.push(ChatReply::text(text).usage(10, 5));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_killed_worker_had_goes_on_when_it_is_back_also_where_restate_was_killed_with_it()
     {
        let Some(mut shop) = Shop::new().await else { return };
        shop.upstream.push(Answer::chat(ChatReply::tool("note", "{}")));
        shop.upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
        let mut one = shop.worker();
        let run = shop.enqueue(&["agent.yaml", "Do it."]).await;
        assert_eq!(one.until("taken")["run"], run.as_str());
        shop.upstream.until(|counts| counts.requests == 2).await;
        shop.copied(&run, "tool_returned").await;
        shop.says("Done.");
        one.killed();
        shop.server.again();
        let other = shop.worker();
        let over = other.until("over");
        assert_eq!((&over["run"], &over["status"]), (&run.as_str().into(), &"completed".into()));
        assert_eq!(shop.place.read("witness").lines().count(), 1, "each effect happened once");
        let trace = shop.trace(&run).await;
        assert_eq!(trace["run"]["status"], "completed");
        assert_eq!(events(&trace, "tool_returned").len(), 1);
        assert_eq!(events(&trace, "run_finished").len(), 1);
        let (code, _) = other.drained();
        assert_eq!(code, 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_workflow_is_answered_and_told_from_other_processes_and_ends() {
        let Some(shop) = Shop::new().await else { return };
        shop.says("Bees dance");
        let mut one = shop.worker();
        let run = shop.enqueue(&["publish.workflow.yaml", "bees"]).await;
        let question = shop.asked().await;
        shop.stands(&run, "suspended").await;
        // Nobody is there when it is answered, and Restate is told by whoever comes later.
        one.killed();
        let answer = ["approvals", "answer", ".", &question, "--choice", "yes", "--no-resume"];
        shop.run(&answer).await.expect(0);
        let other = shop.worker();
        let told = shop.run(&["resume", ".", &run]).await.expect(0);
        assert!(told.err.contains("goes on: Restate at http://127.0.0.1"), "{}", told.err);
        shop.copied(&run, "node_finished").await;
        let paid = ["resume", ".", &run, "--event", "payment={\"amount\": 3}"];
        shop.run(&paid).await.expect(0);
        assert_eq!(other.until("over")["status"], "completed");
        let trace = shop.run(&["trace", ".", &run]).await.expect(0);
        assert!(trace.out.contains("Bees dance, for 3."), "{}", trace.out);
        assert_eq!(shop.upstream.counts().requests, 1, "the writer was asked once");
        let ended = shop.run(&["resume", ".", &run, "--json"]).await.expect(6).json();
        assert_eq!(ended["code"], "LARGESTACK_CONFLICT", "{ended}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_goes_on_with_the_run_and_a_cancellation_ends_it_at_once() {
        let Some(shop) = Shop::new().await else { return };
        let worker = shop.worker();
        shop.place.write("agent.yaml", format!("{AGENT}{NOTE}    approval: required\n"));
        drop(worker);
        let worker = shop.worker();
        shop.upstream.push(Answer::chat(ChatReply::tool("note", "{}")));
        let run = shop.enqueue(&["agent.yaml", "Do it."]).await;
        let question = shop.asked().await;
        shop.says("Done.");
        let answer = ["approvals", "answer", ".", &question, "--choice", "approve"];
        let answered = shop.run(&answer).await.expect(0);
        assert!(answered.err.contains("goes on: Restate at"), "{}", answered.err);
        let over = worker.until("over");
        assert_eq!((&over["run"], &over["status"]), (&run.as_str().into(), &"completed".into()));
        assert_eq!(shop.place.read("witness").lines().count(), 1);

        shop.upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
        let asked = shop.upstream.counts().requests;
        let run = shop.enqueue(&["agent.yaml", "Do it."]).await;
        shop.upstream.until(|counts| counts.requests > asked).await;
        shop.copied(&run, "effect_started").await;
        let said = shop.run(&["cancel", ".", &run]).await.expect(0);
        assert!(said.out.contains("was asked to end it"), "{}", said.out);
        let over = worker.until("over");
        assert_eq!((&over["run"], &over["status"]), (&run.as_str().into(), &"cancelled".into()));
        assert_eq!(shop.trace(&run).await["run"]["status"], "cancelled");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_delayed_run_is_kept_by_restate_and_what_is_not_there_is_said_by_code() {
        let Some(mut shop) = Shop::new().await else { return };
        let early = shop.run(&["enqueue", "agent.yaml", "Do it.", "--json"]).await.expect(5).json();
        assert_eq!(early["code"], "LARGESTACK_NOT_FOUND", "{early}");
        assert!(early["suggestion"].as_str().unwrap().contains("--engine restate"), "{early}");
        let listed = shop.run(&["queue", "--json"]).await.expect(2).json();
        assert!(listed["message"].as_str().unwrap().contains("Restate"), "{listed}");

        let worker = shop.worker();
        shop.says("Later.");
        let run = shop.enqueue(&["agent.yaml", "Do it.", "--after", "1s"]).await;
        let over = worker.until("over");
        assert_eq!((&over["run"], &over["status"]), (&run.as_str().into(), &"completed".into()));
        drop(worker);

        shop.server.kill();
        for verb in [&["worker", "agent.yaml", "--json"][..], &["enqueue", ".", "x", "--json"]] {
            let verb: Vec<&str> =
                verb.iter().map(|word| if *word == "." { "agent.yaml" } else { word }).collect();
            let gone = shop.run(&verb).await.expect(8).json();
            assert_eq!(gone["code"], "LARGESTACK_STORE", "{gone}");
            assert!(gone["suggestion"].as_str().unwrap().contains("server running"), "{gone}");
        }
        // The copy stays, and may be read without anybody.
        assert_eq!(shop.trace(&run).await["run"]["status"], "completed");
    }
}
