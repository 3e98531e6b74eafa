//! Toolsets, and tools that a model has to look for.

use std::sync::Arc;

use largestack_agent::pipeline::Permissions;
use largestack_agent::{Agent, AgentBuilder, Deferral, ResumeOptions, RunOptions, Toolset};
use largestack_engine::Status;
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::tool::ApprovalRule;
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::Coded as _;
use largestack_types::id::{OwnerId, RunId};

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128(5);

fn pair() -> Toolset {
    Toolset::new().with(Spy::echo("get")).with(Spy::echo("put"))
}

fn names(agent: &Agent) -> Vec<&str> {
    agent.definition().tools.iter().map(|tool| &*tool.name).collect()
}

/// Why an agent cannot be built.
fn wrong(world: &World, describe: impl FnOnce(AgentBuilder) -> AgentBuilder) -> String {
    let builder = Agent::builder("tester").model("test/model");
    describe(builder).build(world.runtime()).err().unwrap().message()
}

#[tokio::test]
async fn sets_are_combined_filtered_prefixed_and_renamed() {
    let world = World::new([Turn::tool("b_get", r#"{"n":1}"#), Turn::text("done")]);
    let set = pair()
        .renamed("put", "store")
        .and(pair().filtered(|spec| &*spec.name == "get").prefixed("b_"));
    let agent = world.agent(|a| a.toolset(set));
    assert_eq!(names(&agent), ["get", "store", "b_get"]);
    let report = agent.run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert!(
        world.written(report.run).await.contains("\"is_error\":false") || report.tool_calls == 1
    );
}

#[tokio::test]
async fn names_that_collide_and_names_of_nothing_are_errors_when_an_agent_is_built() {
    let world = World::new([]);
    assert!(wrong(&world, |a| a.toolset(pair().and(pair()))).contains("two tools are named `get`"));
    let renamed = wrong(&world, |a| a.toolset(pair().renamed("gett", "x")));
    assert!(renamed.contains("`gett` is renamed in a toolset that has no such tool"), "{renamed}");
    let guarded = wrong(&world, |a| a.toolset(pair().requiring_approval_of(&["delete"])));
    assert!(guarded.contains("`delete`"), "{guarded}");
    let prefixed = wrong(&world, |a| a.toolset(pair().prefixed("no spaces ")));
    assert!(prefixed.contains("cannot name a tool"), "{prefixed}");
}

#[test]
fn who_has_the_same_tool_elsewhere_is_not_asked() {
    let tool: Arc<dyn largestack_ports::tool::Tool> = Arc::new(Spy::echo("get"));
    let set: Toolset = [Arc::clone(&tool)].into_iter().collect();
    let guarded = format!("{:?}", set.requiring_approval());
    assert_eq!(guarded, r#"["get"]"#);
    assert_eq!(tool.options().access.approval, ApprovalRule::Unsaid);
}

fn many() -> Toolset {
    (0..12).fold(Toolset::new(), |set, n| set.with(Spy::echo(&format!("area{n}_paint"))))
}

fn offered(world: &World) -> Vec<Vec<String>> {
    let names = |call: &largestack_types::call::Call| {
        call.tools.iter().map(|tool| tool.name.to_string()).collect()
    };
    world.model.calls().iter().map(names).collect()
}

#[tokio::test]
async fn what_is_found_is_offered_from_the_next_turn_on_in_the_order_it_was_found() {
    let world = World::new([
        Turn::tool("search_tools", r#"{"query":"area7"}"#),
        Turn::tool("search_tools", r#"{"query":"area3, area7"}"#),
        Turn::tool("area7_paint", r#"{"n":1}"#),
        Turn::text("done"),
    ]);
    let agent = world.agent(|a| a.tool(Spy::echo("always")).toolset(many().deferred()));
    let report = agent.run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Completed);
    let offered = offered(&world);
    assert_eq!(offered[0], ["always", "search_tools"]);
    assert_eq!(offered[1], ["always", "search_tools", "area7_paint"]);
    assert_eq!(offered[2], ["always", "search_tools", "area7_paint", "area3_paint"]);
    assert_eq!(offered[3], offered[2]);
}

#[tokio::test]
async fn tools_are_kept_back_above_a_number_and_not_at_it() {
    let built = |above: usize| {
        let world = World::new([Turn::text("done")]);
        let keep = vec!["area1_paint".into()];
        let deferral = Deferral { above, keep, results: 2 };
        let agent = world.agent(|a| a.toolset(many()).defer_tools(deferral));
        (agent.definition().deferred.len(), names(&agent).contains(&"search_tools"))
    };
    assert_eq!(built(12), (0, false));
    assert_eq!(built(11), (11, true));
}

#[tokio::test]
async fn a_search_finds_as_many_as_it_may_and_only_what_is_permitted() {
    let world =
        World::new([Turn::tool("search_tools", r#"{"query":"paint"}"#), Turn::text("done")]);
    let deny = (0..3).map(|n| format!("area{n}_paint")).collect();
    let deferral = Deferral { above: 1, keep: Vec::new(), results: 2 };
    let permissions = Permissions { deny, ..Permissions::default() };
    let agent = world.agent(|a| a.toolset(many()).defer_tools(deferral).permissions(permissions));
    agent.run(&world.scope, "go").await.unwrap();
    assert_eq!(offered(&world)[1], ["search_tools", "area3_paint", "area4_paint"]);
}

#[tokio::test]
async fn a_search_that_cannot_be_is_an_error_when_an_agent_is_built() {
    let world = World::new([]);
    let defer = |keep: &[&str], results| Deferral {
        above: 1,
        keep: keep.iter().map(|name| Arc::from(*name)).collect(),
        results,
    };
    let build = |deferral| wrong(&world, |a| a.toolset(many()).defer_tools(deferral));
    assert!(build(defer(&["nothing"], 1)).contains("`nothing`"));
    assert!(build(defer(&[], 0)).contains("at least one"));
    let taken = wrong(&world, |a| a.tool(Spy::echo("search_tools")).toolset(many().deferred()));
    assert!(taken.contains("two tools are named `search_tools`"), "{taken}");
}

#[tokio::test]
async fn a_run_that_is_taken_up_offers_what_it_had_found() {
    let turns = || {
        vec![
            Turn::tool("search_tools", r#"{"query":"area7"}"#),
            Turn::tool("area7_paint", r#"{"n":1}"#),
            Turn::text("done"),
        ]
    };
    let whole = World::new(turns());
    let describe = |a: AgentBuilder| a.toolset(many().deferred());
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    whole.agent(describe).run_with(&whole.scope, "go", options).await.unwrap();
    let expected = offered(&whole);
    let events = whole.journal.read(&whole.scope, RUN, 0).await.unwrap();
    for cut in 1..events.len() {
        let answered = events[..cut].iter().filter(|e| e.event.kind() == "model_replied").count();
        let world = World::of(TestModel::new(turns().split_off(answered)));
        let lease = world.journal.claim(&world.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
        let batch = Batch { events: events[..cut].to_vec(), ..Batch::default() };
        world.journal.append(&lease, batch).unwrap();
        world.journal.release(&lease).await.unwrap();
        let agent = world.agent(describe);
        agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap();
        assert_eq!(offered(&world), expected[answered..], "cut after {cut}");
    }
}
