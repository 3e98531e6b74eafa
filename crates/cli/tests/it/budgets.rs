//! Budgets of a project, over runs that are processes of their own.

use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::{Done, Place};

const ASKED: &str = "What is the answer?";

fn place(upstream: &Upstream, budgets: &str) -> Place {
    let place = Place::new();
    place.write("agent.yaml", "name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n");
    project(&place, upstream, budgets);
    place
}

fn project(place: &Place, upstream: &Upstream, budgets: &str) {
    let url = upstream.url();
    let text = format!("providers: {{openai: {{base-url: \"{url}\"}}}}\n{budgets}");
    place.write("largestack.yaml", text);
}

async fn ask(place: &Place) -> Done {
    let mut command = place.command(&["run", ".", ASKED, "--json"]);
    command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

fn nanos(done: &Done) -> i64 {
    done.json()["cost_nanos"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_of_an_agent_holds_over_runs_and_processes_and_cost_shows_it() {
    let upstream = Upstream::start().await.unwrap();
    // At 150 and 600 nano-dollars a token each answer costs 6 million.
    let place = place(&upstream, "budgets: {agent: {day: 0.0155}, tenant: {total: 1}}\n");
    for _ in 0..2 {
        upstream.push(ChatReply::text("42").usage(20_000, 5_000));
        assert_eq!(nanos(&ask(&place).await.expect(0)), 6_000_000);
    }
    upstream.push(ChatReply::text("42").usage(20_000, 5_000));
    let third = ask(&place).await.expect(0);
    assert_eq!(nanos(&third), 6_000_000);
    // What is left is less than nothing, by what the provider sent beyond the limit.
    let refused = ask(&place).await;
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "LARGESTACK_BUDGET", "{}", refused.out);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("The daily agent budget of $0.0155 cannot cover"), "{message}");
    assert!(message.contains("($0.018 spent or reserved)"), "{message}");
    let advice = error["suggestion"].as_str().unwrap();
    assert!(advice.starts_with("Raise the daily agent limit in `budgets` to at least"), "{advice}");

    let shown = place.run(&["cost", "--json"]).expect(0).json();
    let budgets = shown["budgets"].as_array().unwrap();
    assert_eq!(budgets.len(), 2);
    for (budget, kind) in budgets.iter().zip(["agent", "tenant"]) {
        assert_eq!(budget["kind"], kind);
        assert_eq!(budget["spent"]["total_nanos"], shown["total"]["cost_nanos"], "{shown}");
        assert_eq!(budget["spent"]["day_nanos"], 18_000_000);
        assert_eq!((&budget["reserved_nanos"], &budget["estimated_nanos"]), (&0.into(), &0.into()));
    }
    assert_eq!(budgets[0]["limits"]["day_nanos"], 15_500_000);
    let text = place.run(&["cost"]).expect(0).out;
    assert!(text.contains("agent a") && text.contains("$0.0155"), "{text}");

    // A limit that is taken out of the file is gone, and one that is raised is enough.
    project(&place, &upstream, "budgets: {tenant: {total: 1}}\n");
    upstream.push(ChatReply::text("42").usage(20_000, 5_000));
    ask(&place).await.expect(0);
    let shown = place.run(&["cost", "--json"]).expect(0).json();
    assert_eq!(shown["budgets"].as_array().unwrap().len(), 1);
    assert_eq!(shown["budgets"][0]["spent"]["total_nanos"], 24_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_per_minute_holds_over_processes_and_says_when_to_come_back() {
    let upstream = Upstream::start().await.unwrap();
    let place = place(&upstream, "limits: {tenant: {requests: 1}}\n");
    upstream.push(ChatReply::text("42"));
    ask(&place).await.expect(0);
    let refused = ask(&place).await;
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "LARGESTACK_RATE_LIMIT", "{}", refused.out);
    assert_eq!(error["retryable"], true);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("The limit of 1 requests per minute for tenant local"),
        "{message}"
    );
    assert_eq!(upstream.counts().requests, 1);
}
