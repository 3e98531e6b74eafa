//! Runs on a Restate server, with processes that are killed at exact points.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_engine::Status;
use largestack_http::{OsIds, SystemClock};
use largestack_ports::journal::Journal as _;
use largestack_restate::work::Question;
use largestack_restate::{Client, Outcome, Service};
use largestack_testkit::services;
use largestack_types::error::{Code, Coded as _};
use largestack_types::id::RunId;
use largestack_types::money::Money;

use crate::server::{ORDER, Server, Serving, until};
use crate::world::{Killed, PRICE, World, lines, traces};

/// Serves until it is killed; does nothing unless a test has started it.
#[test]
#[expect(clippy::disallowed_methods, reason = "the parent gives its orders in the environment")]
fn serves() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let words: Vec<&str> = order.split(' ').collect();
    let (at, folder): (SocketAddr, _) = (words[0].parse().unwrap(), PathBuf::from(words[1]));
    let killed = words.get(2).filter(|word| !word.is_empty()).map(|point| Killed {
        at: point.parse().unwrap(),
        before: words[3] == "before",
        other: words[4].parse().ok(),
        itself: words[5] == "itself",
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::that_dies(&folder, killed);
        let served = world.served();
        let (ids, clock) = (Arc::new(OsIds::new().unwrap()), Arc::new(SystemClock));
        let listener = tokio::net::TcpListener::bind(at).await.unwrap();
        Service::new(served, ids, clock).serve(listener, std::future::pending()).await;
    });
}

fn question(agent: &str) -> Question {
    Question { agent: agent.into(), input: "Do it.".into(), session: None }
}

fn run(number: u128) -> RunId {
    RunId::from_u128((9 << 80) | number)
}

/// Sees a run to its end, as a person would who is asked; whoever was killed is started again.
async fn see_through(
    folder: &Path,
    id: RunId,
    server: &mut Server,
    serving: &mut Serving,
) -> Outcome {
    let client = Client::new(&server.ingress());
    let world = World::open(folder);
    let mut told = Vec::new();
    until("the run's end", async || {
        if server.is_dead() {
            server.again();
        }
        if serving.is_dead() {
            serving.again().await;
        }
        let copy = world.store.run(&world.scope, id).await.unwrap()?;
        if copy.status == Status::Suspended {
            let names = world.waits(id).await;
            // What it waited for before may be what it waits for still.
            let asked = (copy.seq, names.clone());
            // It may have gone on meanwhile.
            if !names.is_empty() && !told.contains(&asked) {
                let (_, what) = world.person(&names).await;
                if client.tell(id, &what).await.is_ok() {
                    told.push(asked);
                }
            }
        }
        copy.status.is_final().then_some(())
    })
    .await;
    until("the outcome", async || client.outcome(id).await.ok()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_on_restate_asks_a_person_and_ends_and_its_copy_is_whole() {
    let Some(binary) = services::restate() else { return };
    let root = tempfile::tempdir().unwrap();
    let mut server = Server::start(binary, &root.path().join("server"));
    for (number, name, text, calls) in [
        (1, "chores", "All four are done.", 4),
        (2, "boss", "It is done.", 4),
        (3, "flow", "Done.", 2),
    ] {
        let folder = root.path().join(name);
        let mut serving = Serving::start(&folder, &server, "").await;
        let client = Client::new(&server.ingress());
        client.start(run(number), &question(name)).await.unwrap();
        let outcome = see_through(&folder, run(number), &mut server, &mut serving).await;
        assert_eq!((outcome.status, &*outcome.text), (Status::Completed, text));
        assert_eq!(outcome.cost, Money::from_nanos(PRICE.nanos() * calls), "{name}");
        let world = World::open(&folder);
        let copied = world.store.read(&world.scope, run(number), 0).await.unwrap();
        let summary = world.store.run(&world.scope, run(number)).await.unwrap().unwrap();
        assert_eq!((copied.len() as u64, summary.status), (summary.seq, Status::Completed));
        // Begun again under the same id, it is the same run.
        client.start(run(number), &question(name)).await.ok();
        assert_eq!(client.outcome(run(number)).await.unwrap(), outcome);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_the_worker_the_server_or_both_at_any_effect_changes_nothing() {
    let Some(binary) = services::restate() else { return };
    let root = tempfile::tempdir().unwrap();
    let mut server = Server::start(binary, &root.path().join("server"));
    let mut number = 100;
    for (name, points) in [("chores", 8), ("boss", 5), ("flow", 3)] {
        let whole = root.path().join(name);
        number += 1;
        let mut serving = Serving::start(&whole, &server, "").await;
        let client = Client::new(&server.ingress());
        client.start(run(number), &question(name)).await.unwrap();
        let expected = see_through(&whole, run(number), &mut server, &mut serving).await;
        drop(serving);
        for at in 1..=points {
            for (other, itself) in [(false, true), (true, false), (true, true)] {
                for when in ["before", "after"] {
                    // The server alone: before an effect is as good as after the one before.
                    if when == "before" && other {
                        continue;
                    }
                    number += 1;
                    let case = format!("{name} {when} {at}, server {other}, worker {itself}");
                    let folder = root.path().join(format!("{name}-{number}"));
                    let pid = if other { server.pid().to_string() } else { "-".to_owned() };
                    let itself = if itself { "itself" } else { "-" };
                    let dies = format!("{at} {when} {pid} {itself}");
                    let mut serving = Serving::start(&folder, &server, &dies).await;
                    let client = Client::new(&server.ingress());
                    client.start(run(number), &question(name)).await.unwrap();
                    let outcome =
                        see_through(&folder, run(number), &mut server, &mut serving).await;
                    assert_eq!(outcome.text, expected.text, "{case}");
                    assert_eq!(outcome.status, expected.status, "{case}");
                    assert_eq!(outcome.cost, expected.cost, "{case}");
                    assert_eq!(traces(&folder).len(), traces(&whole).len(), "{case}: each once");
                    assert_eq!(lines(&folder.join("died")).len(), 1, "{case}: somebody was killed");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_an_object_in_which_one_run_speaks_after_the_other() {
    let Some(binary) = services::restate() else { return };
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(binary, &root.path().join("server"));
    let folder = root.path().join("talk");
    let mut serving = Serving::start(&folder, &server, "").await;
    let client = Client::new(&server.ingress());
    let asked = |what: &'static str| {
        let client = client.clone();
        async move { client.ask("a talk", "talker", what).await.unwrap() }
    };
    let (one, other) = futures::join!(asked("One."), asked("Two."));
    let mut said = [one.text, other.text];
    said.sort();
    assert_eq!(said, ["I was told 1.", "I was told 3."], "each is told what was said before");
    serving.again().await;
    assert_eq!(asked("Three.").await.text, "I was told 5.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_run_says_so_and_a_spent_budget_ends_one() {
    let Some(binary) = services::restate() else { return };
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(binary, &root.path().join("server"));
    let folder = root.path().join("ends");
    let _serving = Serving::start(&folder, &server, "").await;
    let client = Client::new(&server.ingress());
    client.start(run(1), &question("slow")).await.unwrap();
    until("the call that does not end", async || {
        (!lines(&folder.join("acts")).is_empty()).then_some(())
    })
    .await;
    client.cancel(run(1)).await.unwrap();
    assert_eq!(client.outcome(run(1)).await.unwrap().status, Status::Cancelled);
    client.start(run(2), &question("thrifty")).await.unwrap();
    let ended = client.outcome(run(2)).await.unwrap();
    assert_eq!((ended.error.map(|e| e.code()), ended.cost), (Some(Code::Budget), PRICE));
    client.start(run(3), &question("nobody")).await.unwrap();
    assert_eq!(client.outcome(run(3)).await.unwrap_err().code(), Code::NotFound);
}
