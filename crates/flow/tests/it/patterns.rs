//! Patterns of several agents over scripted models: who is asked what, and what is decided by whom.

use largestack_agent::Agent;
use largestack_engine::Status;
use largestack_flow::patterns::{
    Member, debate, map_reduce, parallel, plan_and_execute, reflexion, router, sequential,
    supervisor, swarm,
};
use largestack_flow::{FlowReport, WorkflowBuilder};
use largestack_testkit::Turn;
use serde_json::{Value, json};

use crate::world::World;

/// What was asked last in each call, in order.
fn asked(world: &World) -> Vec<String> {
    world.model.calls().iter().map(|call| call.messages.last().unwrap().text()).collect()
}

fn member(world: &World, name: &str) -> Member {
    Member::new(&world.agent(name)).about(format!("knows {name}"))
}

fn builder(name: &str) -> largestack_agent::AgentBuilder {
    Agent::builder(name).model("test/model")
}

async fn ran(world: &World, builder: WorkflowBuilder, task: impl Into<Value>) -> FlowReport {
    builder.build(world.runtime()).unwrap().run(&world.scope, task).await.unwrap()
}

#[tokio::test]
async fn in_a_sequence_each_is_told_what_came_before() {
    let world = World::new([Turn::text("facts"), Turn::text("a text"), Turn::text("done")]);
    let agents = ["research", "write", "edit"].map(|name| world.agent(name));
    let report = ran(&world, sequential("s", &agents), "bees").await;
    assert_eq!((report.status, report.text().as_str()), (Status::Completed, "done"));
    let asked = asked(&world);
    assert_eq!(asked[0], "bees");
    assert_eq!(asked[2], "bees\n\nresearch said:\nfacts\n\nwrite said:\na text");
}

#[tokio::test]
async fn side_by_side_each_answers_under_its_name() {
    let world = World::new([Turn::text("one"), Turn::text("two")]);
    let agents = ["a", "b"].map(|name| world.agent(name));
    let report = ran(&world, parallel("p", &agents), "bees").await;
    assert_eq!(report.output, json!({ "a": "one", "b": "two" }));
}

#[tokio::test]
async fn a_route_is_a_word_of_a_schema_and_not_a_word_in_an_answer() {
    let says = |route: &str| {
        // What misled a search for words: the others are named, too.
        let text = json!({ "reason": "Technical, not billing.", "route": route });
        Turn::text(text.to_string())
    };
    let routed = |world: World, fallback: bool| async move {
        let members = vec![member(&world, "billing"), member(&world, "technical")];
        let fallback = fallback.then(|| member(&world, "anybody"));
        let built = router("r", builder("triage"), (members, fallback), &world.runtime());
        let report = ran(&world, built.unwrap(), "It is broken").await;
        let visited = report.nodes.iter().filter(|node| node.visits > 0);
        let visited: Vec<String> = visited.map(|node| node.node.to_string()).collect();
        (report, visited)
    };
    let (report, visited) =
        routed(World::new([says("technical"), Turn::text("Restart it.")]), false).await;
    assert_eq!(
        (report.text().as_str(), visited.join(" ")),
        ("Restart it.", "route technical".into())
    );
    let (report, visited) = routed(World::new([says("nobody")]), false).await;
    assert_eq!((report.output, visited.len()), (json!(null), 1));
    let (report, _) = routed(World::new([says("nobody"), Turn::text("Hm.")]), true).await;
    assert_eq!(report.text(), "Hm.");
    // A word that is none of the schema's is sent back, and then fails: nothing is guessed.
    let (report, _) = routed(World::new([says("Billing!"), says("Billing!")]), false).await;
    assert_eq!(report.status, Status::Failed);
}

#[tokio::test]
async fn a_manager_gives_work_until_it_has_the_answer_and_is_told_all_that_was_said() {
    let decides = |next: &str, work: &str, answer: &str| {
        Turn::text(json!({ "next": next, "work": work, "answer": answer }).to_string())
    };
    let turns = || {
        [
            decides("search", "find bees", ""),
            Turn::text("bees fly"),
            decides("search", "find more", ""),
            Turn::text("bees dance"),
            decides("finish", "", "They fly and dance."),
        ]
    };
    let managed = |rounds| async move {
        let world = World::new(turns());
        let members = vec![member(&world, "search"), member(&world, "write")];
        let built =
            supervisor("s", builder("manager"), members, (rounds, &world.runtime())).unwrap();
        let report = ran(&world, built, "What do bees do?").await;
        (report, asked(&world))
    };
    let (report, asked) = managed(5).await;
    assert_eq!((report.status, report.text().as_str()), (Status::Completed, "They fly and dance."));
    assert_eq!(asked[3], "find more");
    assert!(
        asked[4].contains(
            r#"search has said so far:
["bees fly","bees dance"]"#
        ),
        "{}",
        asked[4]
    );
    let (report, _) = managed(1).await;
    assert_eq!(report.status, Status::Incomplete, "rounds that ran out are not called completed");
    assert_eq!(report.finish_reason.unwrap().name(), "max_visits");
}

#[tokio::test]
async fn each_item_is_asked_about_and_their_order_is_kept() {
    let world = World::new([Turn::text("A"), Turn::text("B"), Turn::text("C"), Turn::text("ABC")]);
    let (map, reduce) = (world.agent("map"), world.agent("reduce"));
    let built = map_reduce("m", (&map, "Upper case:"), (&reduce, "Together:"), 1);
    let report = ran(&world, built, json!(["a", "b", "c"])).await;
    assert_eq!(report.text(), "ABC");
    assert_eq!(asked(&world)[1], "Upper case:\n\nb");
    assert_eq!(asked(&world)[3], "Together:\n\n[\"A\",\"B\",\"C\"]");
}

#[tokio::test]
async fn a_debate_goes_round_until_its_judge_says_that_it_is_settled() {
    let judges = |verdict: &str| {
        // A search for agreement would have found it in the first of them.
        let answer = json!({ "verdict": verdict, "answer": "They do not agree, not the same." });
        Turn::text(answer.to_string())
    };
    let world = World::new([
        Turn::text("yes"),
        Turn::text("no"),
        judges("again"),
        Turn::text("well, yes"),
        Turn::text("well, no"),
        judges("settled"),
    ]);
    let members = vec![member(&world, "pro"), member(&world, "con")];
    let built = debate("d", members, builder("judge"), (3, &world.runtime())).unwrap();
    let report = ran(&world, built, "Is it?").await;
    assert_eq!((report.status, report.node("judge").unwrap().visits), (Status::Completed, 2));
    assert!(asked(&world)[3].contains("con has said:\n[\"no\"]"), "{}", asked(&world)[3]);
}

#[tokio::test]
async fn a_swarm_hands_on_only_to_whom_it_may() {
    let hands =
        |to: &str, message: &str| Turn::text(json!({ "to": to, "message": message }).to_string());
    let swarmed = |turns: Vec<Turn>| async move {
        let world = World::new(turns);
        let members = vec![
            ("Front-Desk", builder("desk"), vec!["Expert"]),
            ("Expert", builder("expert"), vec!["Front-Desk"]),
            ("Secret", builder("secret"), vec!["Expert"]),
        ];
        let built = swarm("s", members, (4, &world.runtime())).unwrap();
        // Nobody hands on to it, and that is said before anything runs.
        let error = built.build(world.runtime()).unwrap_err();
        let said = largestack_types::error::Coded::message(&error);
        assert!(said.contains("node `Secret`: nothing leads here"), "{said}");
        let members = vec![
            ("Front-Desk", builder("desk"), vec!["Expert"]),
            ("Expert", builder("expert"), vec!["Front-Desk"]),
        ];
        let built = swarm("s", members, (4, &world.runtime())).unwrap();
        ran(&world, built, "Help").await
    };
    let report = swarmed(vec![hands("Expert", "a hard one"), hands("nobody", "It is 42.")]).await;
    assert_eq!((report.status, report.text().as_str()), (Status::Completed, "It is 42."));
    let report = swarmed(vec![hands("Secret", "x"), hands("Secret", "x")]).await;
    assert_eq!(report.status, Status::Failed);
}

#[tokio::test]
async fn a_draft_is_read_until_its_critic_approves_by_a_word_of_its_schema() {
    let reads = |verdict: &str| {
        let text = json!({ "verdict": verdict, "feedback": "NOT APPROVED: too long" });
        Turn::text(text.to_string())
    };
    let turns =
        |second: &str| [Turn::text("long"), reads("revise"), Turn::text("short"), reads(second)];
    let reviewed = |world: World, drafts| async move {
        let author = world.agent("author");
        let built = reflexion("r", &author, builder("critic"), (drafts, &world.runtime()));
        let report = ran(&world, built.unwrap(), "Write").await;
        (report.status, report.text())
    };
    let (status, text) = reviewed(World::new(turns("approve")), 5).await;
    assert_eq!((status, text.as_str()), (Status::Completed, "short"));
    let (status, text) = reviewed(World::new(turns("revise")), 2).await;
    assert_eq!((status, text.as_str()), (Status::Incomplete, "short"));
}

#[tokio::test]
async fn a_plan_is_a_list_whose_steps_are_done_one_by_one() {
    let plan = json!({ "steps": ["dig", "plant"] }).to_string();
    let world = World::new([
        Turn::text(plan),
        Turn::text("dug"),
        Turn::text("planted"),
        Turn::text("A garden."),
    ]);
    let (worker, closer) = (world.agent("worker"), world.agent("closer"));
    let built =
        plan_and_execute("g", builder("planner"), (&worker, &closer), (5, &world.runtime()));
    let report = ran(&world, built.unwrap(), "A garden").await;
    assert_eq!(report.text(), "A garden.");
    assert!(asked(&world)[2].ends_with("Do only this: plant"));
    assert!(asked(&world)[3].contains(r#"["dug","planted"]"#));
}
