//! Projects on several machines whose budgets and limits per minute are in one Postgres server.

use largestack_testkit::services::{self, Database};
use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::{Done, Place};

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
async fn machines_that_share_a_server_share_runs_budgets_and_limits_per_minute() {
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
    assert_eq!(shown["total"]["cost_nanos"], 18_000_000, "the runs of both");
    let listed = run(&machines[1], &["trace", "--json"], &address).await.expect(0).json();
    assert_eq!(listed["runs"].as_array().unwrap().len(), 3);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_machine_began_another_one_sees_stops_and_goes_on_with() {
    let Some(server) = services::postgres() else { return };
    let database = Database::new(&server, "largestack_machines");
    let address = database.url();
    let upstream = Upstream::start().await.unwrap();
    let machines = [machine(&upstream, ""), machine(&upstream, "")];
    // Both seal with one key, which whoever sets a machine up puts there.
    upstream.push(ChatReply::text("Hello, Ann.").usage(10, 5));
    let said = ["run", ".", "I am Ann.", "--session", "talk", "--json"];
    let first = run(&machines[0], &said, &address).await.expect(0).json();
    let key = std::fs::read(machines[0].path(".largestack/vault.key")).unwrap();
    let other = machines[1].path(".largestack");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("vault.key"), key).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(
        other.join("vault.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    upstream.push(ChatReply::text("You are Ann.").usage(10, 5));
    let said = ["run", ".", "Who am I?", "--session", "talk", "--json"];
    run(&machines[1], &said, &address).await.expect(0);
    assert!(upstream.requests().last().unwrap().says("I am Ann."));
    let shown = run(&machines[1], &["sessions", "show", "talk"], &address).await.expect(0);
    assert!(shown.out.contains("Hello, Ann."), "{}", shown.out);
    let id = first["run"]["id"].as_str().or(first["run"].as_str()).unwrap_or("last");
    let traced = run(&machines[1], &["trace", ".", id, "--json"], &address).await.expect(0);
    assert!(traced.out.contains("run_finished"), "{}", traced.out);

    // A switch that is thrown here stops runs there.
    run(&machines[1], &["kill", ".", "--reason", "a leak"], &address).await.expect(0);
    let stopped = run(&machines[0], RUN, &address).await;
    assert!(stopped.out.contains("LARGESTACK_KILL"), "{}", stopped.out);
    let checked = run(&machines[0], &["doctor", ".", "--json"], &address).await;
    assert!(checked.out.contains("a leak"), "{}", checked.out);
    run(&machines[0], &["resume", ".", "--reason", "fixed"], &address).await.expect(0);
    upstream.push(ChatReply::text("42").usage(10, 5));
    run(&machines[1], RUN, &address).await.expect(0);
}
