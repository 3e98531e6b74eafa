//! Projects on several machines whose budgets and limits per minute are in one Postgres server.

use std::process::Command;

use largestack_testkit::services;
use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::{Done, Place};

/// Owns the databases of these tests; without special rights.
const USER: &str = "largestack_test";

/// A database of its own, dropped at the end.
struct Database {
    server: String,
    name: String,
}

fn tool(name: &str, server: &str, arguments: &[&str]) -> bool {
    let (_, rest) = server.split_once("://").unwrap();
    let (user, rest) = rest.split_once('@').unwrap();
    let (host, _) = rest.split_once('/').unwrap();
    let (host, port) = host.split_once(':').unwrap();
    let server = ["--host", host, "--port", port, "--username", user];
    let done = Command::new(name).args(server).args(arguments).output();
    done.unwrap_or_else(|error| panic!("{name}: {error}")).status.success()
}

impl Database {
    fn new(server: &str, name: &str) -> Self {
        let name = format!("{name}_{}", std::process::id());
        // It may be there already.
        let _made = tool("createuser", server, &["--no-superuser", USER]);
        assert!(tool("createdb", server, &["--owner", USER, &name]), "{name}");
        Self { server: server.to_owned(), name }
    }

    fn url(&self) -> String {
        let (_, host) = self.server.split_once('@').unwrap();
        let (host, _) = host.split_once('/').unwrap();
        format!("postgres://{USER}:secret-word@{host}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _gone = tool("dropdb", &self.server, &["--force", &self.name]);
    }
}

/// A machine with the project.
fn machine(upstream: &Upstream, shared: &str) -> Place {
    let place = Place::new();
    place.write("agent.yaml", "name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n");
    let url = upstream.url();
    let providers = format!("providers: {{openai: {{base-url: \"{url}\"}}}}\n");
    place
        .write("largestack.yaml", format!("{providers}{shared}\nstore: {{postgres: SHARED_DB}}\n"));
    place
}

async fn run(place: &Place, arguments: &[&str], address: &str) -> Done {
    let mut command = place.command(arguments);
    command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef").env("SHARED_DB", address);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let done = Done::of(&output.unwrap());
    assert!(!done.out.contains("secret-word") && !done.err.contains("secret-word"), "{}", done.out);
    done
}

const RUN: &[&str] = &["run", ".", "What is the answer?", "--json"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_that_share_a_server_share_budgets_and_limits_per_minute() {
    let Some(server) = services::postgres() else { return };
    let database = Database::new(&server, "largestack_budgets");
    let upstream = Upstream::start().await.unwrap();
    let shared = "budgets: {agent: {day: 0.0155}}\nlimits: {tenant: {requests: 3}}";
    let machines = [machine(&upstream, shared), machine(&upstream, shared)];
    let address = database.url();
    for at in [0, 1, 0] {
        upstream.push(ChatReply::text("42").usage(20_000, 5_000));
        let done = run(&machines[at], RUN, &address).await.expect(0).json();
        assert_eq!(done["cost_nanos"], 6_000_000);
    }
    let shown = run(&machines[1], &["cost", "--json"], &address).await.expect(0).json();
    assert_eq!(shown["total"]["cost_nanos"], 6_000_000, "its own runs");
    assert_eq!(shown["budgets"][0]["spent"]["day_nanos"], 18_000_000, "what both have spent");
    assert_eq!(shown["budgets"][0]["reserved_nanos"], 0);

    let refused = run(&machines[1], RUN, &address).await;
    let code = &refused.json()["error"]["code"];
    assert!(code == "LARGESTACK_RATE_LIMIT" || code == "LARGESTACK_BUDGET", "{}", refused.out);
    assert_eq!(upstream.counts().requests, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_or_not_named_ends_the_run_and_says_why() {
    let upstream = Upstream::start().await.unwrap();
    let place = machine(&upstream, "");
    let gone = run(&place, RUN, "postgres://ann:secret-word@127.0.0.1:1/none").await;
    let error = gone.json();
    assert_eq!(error["code"], "LARGESTACK_STORE", "{}", gone.out);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("the database server at 127.0.0.1:1 cannot be reached"),
        "{message}"
    );
    let unset = run(&place, RUN, "").await;
    let error = unset.json();
    assert_eq!(error["code"], "LARGESTACK_CONFIG", "{}", unset.out);
    assert!(error["message"].as_str().unwrap().contains("SHARED_DB"), "{}", unset.out);
    // An address where a name belongs is refused, and not repeated.
    place.write("largestack.yaml", "store: {postgres: 'postgres://ann:secret-word@db/main'}\n");
    let written = run(&place, RUN, "").await;
    assert_eq!(written.json()["code"], "LARGESTACK_CONFIG", "{}", written.out);
    assert_eq!(upstream.counts().requests, 0);
}
