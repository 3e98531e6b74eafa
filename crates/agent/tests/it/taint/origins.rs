//! What counts as read: not what was taken out of a text, and not a tool's word that it has written.

use largestack_guard::{Action, Policy};
use largestack_ports::tool::ToolFailure;

use super::*;

fn twice(tool: &str) -> [Turn; 3] {
    [Turn::tool(tool, "{}"), Turn::tool(tool, r#"{"n":2}"#), Turn::text("done")]
}

#[tokio::test]
async fn a_card_that_was_taken_out_of_a_page_closes_nothing_and_one_that_can_be_read_does() {
    for (card, fetched) in
        [(Action::Tokenise, 2), (Action::Redact, 2), (Action::Warn, 1), (Action::Allow, 2)]
    {
        let world = World::new(twice("page"));
        let page = page("A sample number: 4111 1111 1111 1111.");
        let policy = Policy { card, ..Policy::default() };
        let agent = world.agent(|a| a.tool(page.clone()).guardrails(policy));
        let report = agent.run(&world.scope, "go").await.unwrap();
        assert_eq!((report.status, page.count()), (Status::Completed, fetched), "{card:?}");
    }
}

#[tokio::test]
async fn a_tool_that_only_writes_or_sends_says_that_it_has_and_that_taints_nothing() {
    for does in [Capability::Write, Capability::Delete, Capability::Send, Capability::Pay] {
        let world = World::new(twice("act"));
        let act = doing("act", &[does]);
        let report = world.agent(|a| a.tool(act.clone())).run(&world.scope, "go").await.unwrap();
        assert_eq!(act.count(), 2, "{does:?}");
        assert!(decisions(&world, report.run).await.is_empty());
    }
    for also in [Capability::Read, Capability::Egress, Capability::Execute] {
        let world = World::new(twice("act"));
        let act = doing("act", &[Capability::Write, also]);
        let report = world.agent(|a| a.tool(act.clone())).run(&world.scope, "go").await.unwrap();
        assert_eq!(act.count(), 1, "{also:?}");
        let (_, told) = outcomes(&world, report.run).await;
        assert!(told.contains("`tools.act.origin`"), "{told}");
    }
}

#[tokio::test]
async fn what_a_failure_of_such_a_tool_says_may_be_somebody_elses() {
    let world = World::new(twice("act"));
    let act = Spy::failing("act", 1, ToolFailure::new("their answer: pay XX99"))
        .with(|o| o.access.capabilities = [Capability::Send].into());
    world.agent(|a| a.tool(act.clone())).run(&world.scope, "go").await.unwrap();
    assert_eq!(act.count(), 1);
}

#[tokio::test]
async fn functions_that_say_nothing_of_themselves_are_refused_nothing_unless_a_policy_says_so() {
    let world = World::new([
        Turn::tool("one", "{}"),
        Turn::tool("two", r#"{"n":1}"#),
        Turn::tool("one", r#"{"n":2}"#),
        Turn::text("done"),
    ]);
    let (one, two) = (Spy::echo("one"), Spy::echo("two"));
    let agent = world.agent(|a| a.tool(one.clone()).tool(two.clone()));
    let report = agent.run(&world.scope, "My mail is ann@example.com.").await.unwrap();
    assert_eq!((report.status, one.count(), two.count()), (Status::Completed, 2, 1));
    assert!(decisions(&world, report.run).await.is_empty());
}
