//! What agents and runs of one runtime share, and what they never do.

use std::collections::BTreeSet;

use futures::future::join_all;
use largestack::providers::{Auth, Section};
use largestack::session::SessionKey;
use largestack::{Adjusted, Agent, Local, Permissions, RunOptions, Runtime, Scope, TenantId, tool};
use largestack_testkit::{ChatReply, FunctionModel, TestModel, Turn, Upstream};

/// Twice a number.
#[tool(idempotent)]
fn twice(n: u64) -> u64 {
    n * 2
}

fn agent(runtime: &Runtime, name: &str, model: &str) -> Agent {
    Agent::builder(name).model(model).build(runtime.clone()).unwrap()
}

#[tokio::test]
async fn agents_of_one_runtime_share_one_way_to_their_provider() {
    let provider = Upstream::answering(|_| ChatReply::text("yes").into()).await.unwrap();
    let row = Section {
        wire: Some("openai-chat".into()),
        base_url: Some(provider.url()),
        auth: Some(Auth::None),
        ..Section::default()
    };
    let runtime = Local::new().provider("house", row).build().unwrap();
    for name in ["one", "two", "three"] {
        agent(&runtime, name, "house/m").run(&Scope::local(), "?").await.unwrap();
    }
    assert_eq!((provider.counts().requests, provider.counts().connections), (3, 1));
}

#[tokio::test]
async fn a_model_for_one_run_is_used_by_its_stream_and_by_no_other_run_at_the_same_time() {
    let says_which = || FunctionModel::new(|call| Turn::text(&*call.model));
    let local = Local::new().model("test/one", says_which()).model("test/two", says_which());
    let agent = agent(&local.build().unwrap(), "a", "test/one");
    let scope = Scope::local();
    let all = (0..60).map(|number| {
        let (agent, scope) = (&agent, &scope);
        async move {
            let other = number % 2 == 0;
            let model = other.then(|| "test/two".into());
            let adjusted = Adjusted { model, ..Adjusted::default() };
            let options = RunOptions { adjusted, ..RunOptions::default() };
            let answer = if number % 3 == 0 {
                let stream = agent.stream(scope, "which?", (), options).await.unwrap();
                stream.finish().await.unwrap()
            } else {
                agent.run_with(scope, "which?", (), options).await.unwrap()
            };
            assert_eq!(answer.output, if other { "test/two" } else { "test/one" }, "{number}");
        }
    });
    join_all(all).await;
}

#[tokio::test]
async fn a_copy_of_an_agent_keeps_what_it_may_and_no_run_is_told_of_another() {
    let script = TestModel::new([
        Turn::tool("twice", r#"{"n":1}"#),
        Turn::text("one"),
        Turn::tool("twice", r#"{"n":1}"#),
        Turn::text("two"),
    ]);
    let runtime = Local::new().model("test/one", script.clone()).build().unwrap();
    let permissions =
        Permissions { deny: BTreeSet::from(["twice".into()]), ..Permissions::default() };
    let builder = Agent::builder("a").model("test/one").tool(twice()).permissions(permissions);
    let agent = builder.build(runtime).unwrap();
    let copy = agent.clone();
    for (agent, question) in [(&agent, "first"), (&copy, "second")] {
        let answer = agent.run(&Scope::local(), question).await.unwrap();
        let said: Vec<String> = answer.messages.iter().map(|m| m.text()).collect();
        assert!(!said.iter().any(|text| text == "2"), "{said:?}");
    }
    let calls = script.calls();
    assert!(calls.iter().all(|call| call.tools.is_empty()), "a tool that is denied is offered");
    let heard: Vec<String> = calls[2].messages.iter().map(|m| m.text()).collect();
    assert_eq!(heard, ["second"]);
}

#[tokio::test]
async fn callers_of_one_agent_never_read_one_another_whatever_their_session_is_called() {
    let script = FunctionModel::new(|call| {
        let heard: Vec<String> = call.messages.iter().map(|m| m.text()).collect();
        Turn::text(heard.join("|"))
    });
    let agent = agent(&Local::new().model("test/one", script).build().unwrap(), "a", "test/one");
    let tenant = Scope::local().tenant().clone();
    let elsewhere = TenantId::new("elsewhere").unwrap();
    let callers = [
        Scope::authenticated(tenant.clone(), "alice"),
        Scope::authenticated(tenant, "bob"),
        Scope::authenticated(elsewhere, "alice"),
    ];
    let ask = async |scope: &Scope, session: Option<&str>, question: &str| {
        let session = session.map(SessionKey::from);
        let options = RunOptions { session, ..RunOptions::default() };
        agent.run_with(scope, question, (), options).await.unwrap().output
    };
    for (number, scope) in callers.iter().enumerate() {
        ask(scope, Some("chat"), &format!("I am number {number}")).await;
    }
    for (number, scope) in callers.iter().enumerate() {
        let heard = ask(scope, Some("chat"), "who?").await;
        assert!(heard.starts_with(&format!("I am number {number}|")), "{heard}");
        assert_eq!(heard.matches("I am number").count(), 2, "{heard}");
        assert_eq!(ask(scope, None, "who?").await, "who?");
        assert_eq!(ask(scope, Some("another"), "who?").await, "who?");
    }
}
