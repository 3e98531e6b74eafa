//! Agents together: votes and judges, actions without tools, briefs, teams, and flows whose steps
//! listen to each other.

use largestack_agent::{Agent, AgentBuilder};
use largestack_engine::{EndReason, Status};
use largestack_flow::listen::{after, and, on, or};
use largestack_flow::patterns::{
    Action, Majority, Member, SwarmMember, best, structured_chat, swarm, vote,
};
use largestack_flow::{
    Flow, FlowReport, Function, NodeOutput, OnError, Orchestrator, Seat, Strategy, Team, Trigger,
    Workflow, WorkflowBuilder,
};
use largestack_ports::tool::ToolFailure;
use largestack_testkit::Turn;
use largestack_types::error::Coded as _;
use largestack_types::errors::Code;
use serde_json::{Value, json};

use crate::world::{Done, World, failing, noting};

fn builder(name: &str) -> AgentBuilder {
    Agent::builder(name).model("test/model")
}

fn says(value: &Value) -> Turn {
    Turn::text(value.to_string())
}

fn asked(world: &World) -> Vec<String> {
    world.model.calls().iter().map(|call| call.messages.last().unwrap().text()).collect()
}

async fn ran(world: &World, flow: Workflow, task: impl Into<Value>) -> FlowReport {
    flow.run(&world.scope, task).await.unwrap()
}

async fn built(world: &World, builder: WorkflowBuilder, task: impl Into<Value>) -> FlowReport {
    ran(world, builder.build(world.runtime()).unwrap(), task).await
}

#[tokio::test]
async fn votes_are_words_of_a_schema_and_are_counted() {
    let ballot = |word: &str| says(&json!({ "reason": "not a yes, by no means", "vote": word }));
    let voted = |words: [&'static str; 3], majority| async move {
        let world = World::new(words.map(ballot));
        let members = ["a", "b", "c"].map(|name| (name, builder(name))).into();
        let flow = vote("v", members, (&["yes", "no"], majority), &world.runtime()).unwrap();
        built(&world, flow, "Is it?").await.output
    };
    let output = voted(["no", "yes", "no"], Majority::Half).await;
    assert_eq!((&output["decision"], &output["counts"]["no"]), (&json!("no"), &json!(2)));
    assert_eq!(output["votes"]["b"]["vote"], json!("yes"));
    assert_eq!(voted(["no", "yes", "no"], Majority::All).await["decision"], json!(null));
}

#[tokio::test]
async fn a_judge_names_the_best_and_its_answer_is_given_word_for_word() {
    let world = World::new([
        Turn::text("the longest answer of all, by far"),
        Turn::text("short"),
        says(&json!({ "reason": "brevity", "best": "b" })),
    ]);
    let members = ["a", "b"].map(|name| Member::new(&world.agent(name))).into();
    let flow = best("b", members, builder("judge"), &world.runtime()).unwrap();
    assert_eq!(built(&world, flow, "Say it").await.text(), "short");
}

fn act(action: &str, arguments: &Value) -> Turn {
    says(&json!({ "thought": "hm", "act": { "action": action, "arguments": arguments } }))
}

fn chat(world: &World, steps: u32) -> WorkflowBuilder {
    let schema = json!({
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"],
        "additionalProperties": false,
    });
    let weather = Function::new(|context| async move {
        match context.item.as_ref().and_then(|item| item["city"].as_str()) {
            Some("Rome") => Ok(NodeOutput::from(json!("sunny"))),
            _ => Err(ToolFailure::new("no such city")),
        }
    });
    let actions = vec![Action::new("weather", "The weather of a city", schema, weather)];
    structured_chat("c", builder("chat"), actions, (steps, &world.runtime())).unwrap()
}

#[tokio::test]
async fn a_model_without_tools_acts_by_answers_that_fit_a_schema() {
    let done =
        || says(&json!({ "thought": "", "act": { "action": "finish", "answer": "Sunny." } }));
    let world = World::new([
        act("weather", &json!({ "city": "Atlantis" })),
        // Malformed in two ways: no such action, and arguments that do not fit.
        act("wether", &json!({ "city": "Rome" })),
        act("weather", &json!({ "city": "Rome" })),
        done(),
    ]);
    let report = built(&world, chat(&world, 5), "How is the weather?").await;
    assert_eq!((report.status, report.text().as_str()), (Status::Completed, "Sunny."));
    let asked = asked(&world);
    assert!(asked[1].contains("no such city"), "a failure is told: {}", asked[1]);
    assert!(asked[2].contains("act"), "what is malformed is told: {}", asked[2]);
    assert!(asked[3].contains(r#""came_to":"sunny""#), "{}", asked[3]);
    assert!(world.model.calls().iter().all(|call| call.tools.is_empty()), "no tools are sent");
}

#[tokio::test]
async fn malformed_actions_and_steps_without_end_are_bounded() {
    let endless = || act("weather", &json!({ "city": "Rome" }));
    let world = World::new([endless(), endless(), endless()]);
    let report = built(&world, chat(&world, 2), "How?").await;
    assert_eq!(report.finish_reason, Some(EndReason::MaxVisits));
    let malformed = || act("weather", &json!({ "town": "Rome" }));
    let world = World::new((0..9).map(|_| malformed()));
    let report = built(&world, chat(&world, 5), "How?").await;
    assert_eq!(report.status, Status::Failed);
    assert!(world.model.calls().len() < 6, "{}", world.model.calls().len());
    let taken = Action::new("finish", "", json!({}), failing("no"));
    let refused = structured_chat("c", builder("chat"), vec![taken], (2, &world.runtime()));
    assert_eq!(refused.err().unwrap().code(), Code::Config);
}

#[tokio::test]
async fn who_is_handed_a_task_is_told_what_it_has_to_be_told() {
    let handed = |message: Value| async move {
        let hands = |to: &str| says(&json!({ "hand": { "to": to, "message": &message } }));
        let turns = [hands("refunds"), hands("refunds")];
        let world = World::new(turns);
        let brief = json!({
            "type": "object",
            "properties": { "order": { "type": "integer" } },
            "required": ["order"],
            "additionalProperties": false,
        });
        let seats = vec![
            SwarmMember::new("desk", builder("desk")).may_hand_to(["refunds"]),
            SwarmMember::new("refunds", builder("refunds")).briefed_with(brief),
        ];
        let flow = swarm("s", seats, (4, &world.runtime())).unwrap();
        let report = built(&world, flow, "My money!").await;
        (report, asked(&world))
    };
    let (report, asked) = handed(json!({ "order": 7 })).await;
    assert_eq!(report.node("refunds").unwrap().visits, 1);
    assert!(asked[1].contains(r#"{"order":7}"#), "{}", asked[1]);
    let (report, _) = handed(json!("order seven, I think")).await;
    assert_eq!((report.status, report.node("refunds").unwrap().visits), (Status::Failed, 0));
}

fn breaks() -> Turn {
    let error = largestack_types::errors::ProviderTimeoutError {
        provider: "p".into(),
        phase: "first byte".into(),
        after_ms: 1,
    };
    Turn::error(largestack_types::errors::LargestackError::from(error))
}

fn team(pattern: &str) -> Team {
    let seats = ["a", "b", "c"].map(|name| Seat::new(name, builder(name)));
    seats.into_iter().fold(Team::new("team", pattern), Team::member)
}

#[tokio::test]
async fn a_member_that_fails_fails_the_team_also_side_by_side() {
    for pattern in ["sequential", "parallel"] {
        let world = World::new([Turn::text("A"), breaks(), Turn::text("C")]);
        let report = built(&world, team(pattern).builder(&world.runtime()).unwrap(), "go").await;
        assert_eq!(report.status, Status::Failed, "{pattern}");
        assert_eq!(report.failures.len(), 1);
    }
}

#[tokio::test]
async fn a_team_that_went_on_without_a_member_is_not_called_completed() {
    let skipping = |turns: Vec<Turn>| async move {
        let world = World::new(turns);
        let flow = team("parallel").on_error(OnError::Skip).builder(&world.runtime());
        built(&world, flow.unwrap(), "go").await
    };
    let report = skipping(vec![Turn::text("A"), breaks(), Turn::text("C")]).await;
    let partial = Some(EndReason::Partial);
    assert_eq!((report.status, report.finish_reason), (Status::Incomplete, partial));
    assert_eq!(report.usage.output_tokens, Some(10), "tokens of all that answered");
    let report = skipping((0..3).map(|_| breaks()).collect()).await;
    assert_eq!(report.output, json!({ "a": null, "b": null, "c": null }));
    assert_eq!((report.status, report.failures.len()), (Status::Incomplete, 3));
}

#[tokio::test]
async fn tries_that_are_used_up_fail_the_team() {
    let tried = |turns: Vec<Turn>| async move {
        let world = World::new(turns);
        let team = Team::new("t", "sequential").member(Seat::new("a", builder("a")));
        let flow = team.on_error(OnError::Retry(2)).builder(&world.runtime()).unwrap();
        let flow = flow.build(world.runtime()).unwrap();
        let passing = async {
            for _ in 0..3 {
                crate::world::settle().await;
                world.clock.advance(std::time::Duration::from_mins(1));
            }
        };
        let (report, ()) = futures::join!(flow.run(&world.scope, "go"), passing);
        report.unwrap().status
    };
    assert_eq!(tried(vec![breaks(), Turn::text("A")]).await, Status::Completed);
    assert_eq!(tried(vec![breaks(), breaks()]).await, Status::Failed);
}

#[tokio::test]
async fn somebody_else_answers_in_the_place_of_a_member_that_failed() {
    for (pattern, member) in [("sequential", "b"), ("sequential", "c"), ("parallel", "b")] {
        let mut turns: Vec<Turn> = ["A", "B", "C"].map(Turn::text).into();
        let at = usize::from(member == "c") + 1;
        turns.insert(at, breaks());
        let world = World::new(turns);
        let team = team(pattern).instead(member, Seat::new("other", builder("other")));
        let report = built(&world, team.builder(&world.runtime()).unwrap(), "go").await;
        let stood_in = report.node(&format!("{member}-instead")).unwrap().visits;
        assert_eq!((report.status, stood_in), (Status::Completed, 1), "{pattern} {member}");
        assert!(!report.state[member].is_null());
        assert!(!report.output.is_null());
    }
    let world = World::new([]);
    let nobody = team("sequential").instead("x", Seat::new("other", builder("other")));
    assert_eq!(nobody.builder(&world.runtime()).err().unwrap().code(), Code::Config);
    let judged = team("debate").on_error(OnError::Skip).builder(&world.runtime());
    assert!(judged.err().unwrap().message().contains("its own way with failures"));
}

fn step(done: &Done) -> Function {
    noting(done)
}

#[tokio::test]
async fn steps_hear_each_other_as_far_down_as_it_goes() {
    let (world, done) = (World::new([]), Done::default());
    let route = Function::new(|_| async { Ok(NodeOutput::choice("good")) });
    let flow = Flow::new("f", ["task"])
        .start("left", step(&done))
        .start("right", step(&done))
        .listen("both", and([after("left"), after("right")]), step(&done))
        .router("check", ["good", "bad"], "both", route)
        .listen("publish", on("check", "good"), step(&done))
        .listen("repair", on("check", "bad"), step(&done))
        .listen("last", or([after("publish"), after("repair")]), (&world.agent("a"), "{{ both }}"))
        .build(world.runtime());
    // The agent has no turn: it fails, and with it the run, at the end of the chain.
    let report = ran(&world, flow.unwrap(), "go").await;
    assert_eq!(*done.lock().unwrap(), ["left", "right", "both", "publish"]);
    assert_eq!(report.node("repair").unwrap().visits, 0);
    assert_eq!((report.status, asked(&world)), (Status::Failed, vec!["both".to_owned()]));
}

#[tokio::test]
async fn triggers_stand_inside_each_other_and_each_is_heard_as_often_as_it_says() {
    let (world, done) = (World::new([]), Done::default());
    let flow = Flow::new("f", [] as [&str; 0])
        .start("a", step(&done))
        .start("b", step(&done))
        .start("c", step(&done))
        .listen("any", or([after("a"), after("b")]), step(&done))
        .listen("first", Trigger::First(vec![after("a"), after("b")]), step(&done))
        .listen(
            "mixed",
            and([after("c"), Trigger::First(vec![after("a"), after("b")])]),
            step(&done),
        )
        .build(world.runtime())
        .unwrap();
    let report = ran(&world, flow, json!(null)).await;
    let times = |name: &str| report.node(name).unwrap().visits;
    assert_eq!((times("any"), times("first"), times("mixed")), (2, 1, 1));
    assert_eq!(report.status, Status::Completed);
}

#[tokio::test]
async fn an_error_of_a_step_is_the_flow_s_and_a_word_nobody_hears_ends_its_branch() {
    let world = World::new([]);
    let quiet = Function::new(|_| async { Ok(NodeOutput::choice("unheard")) });
    let flow = Flow::new("f", [] as [&str; 0])
        .start("a", step(&Done::default()))
        .router("r", ["heard", "unheard"], "a", quiet)
        .listen("b", on("r", "heard"), failing("no"))
        .build(world.runtime())
        .unwrap();
    assert_eq!(ran(&world, flow, json!(null)).await.status, Status::Completed);
    let flow = Flow::new("f", [] as [&str; 0])
        .start("a", step(&Done::default()))
        .listen("b", "a", failing("broken"))
        .build(world.runtime())
        .unwrap();
    let report = ran(&world, flow, json!(null)).await;
    assert!(report.error.unwrap().message().contains("broken"));
}

#[tokio::test]
async fn a_strategy_is_known_by_its_name_and_each_does_what_it_says() {
    let unknown = "dagg".parse::<Strategy>().unwrap_err();
    assert!(unknown.message().contains("map_reduce"), "{}", unknown.message());
    for strategy in Strategy::ALL {
        assert_eq!(strategy.name().parse::<Strategy>().unwrap(), *strategy);
    }
    let two = |strategy| {
        let all = Orchestrator::new("o", strategy);
        all.agent("a", builder("a"), "is first").agent("b", builder("b"), "is second")
    };
    let run = |turns: Vec<Turn>, all: Orchestrator, task: Value| async move {
        let world = World::new(turns);
        let report = ran(&world, all.build(world.runtime()).unwrap(), task).await;
        (report, asked(&world))
    };
    let (a, b) = (|| Turn::text("A"), || Turn::text("B"));
    let (report, _) = run(vec![a(), b()], two(Strategy::Sequential), json!("go")).await;
    assert_eq!(report.text(), "B");
    let (report, _) = run(vec![a(), b()], two(Strategy::Parallel), json!("go")).await;
    assert_eq!(report.output, json!({ "a": "A", "b": "B" }));
    let dag = two(Strategy::Dag).flow("a", "b");
    let (_, asked) = run(vec![a(), b()], dag, json!("go")).await;
    assert_eq!(asked[1], "go\n\na said:\nA");
    // A state machine goes on to whom it leads, not only to the first.
    let next = |answer: &str, next: &str| says(&json!({ "answer": answer, "next": next }));
    let machine = two(Strategy::StateMachine).flow("a", "b").flow("b", "a");
    let turns = vec![next("1", "b"), next("2", "a"), next("3", "end")];
    let (report, asked) = run(turns, machine, json!("go")).await;
    assert_eq!((report.status, report.text().as_str(), asked.len()), (Status::Completed, "3", 3));
    let machine = two(Strategy::StateMachine).flow("a", "b").flow("b", "a").rounds(1);
    let turns = (0..6).map(|n| next("x", if n % 2 == 0 { "b" } else { "a" })).collect();
    let (report, _) = run(turns, machine, json!("go")).await;
    assert_eq!(report.finish_reason, Some(EndReason::MaxVisits));
    let routed = two(Strategy::Router).led_by(builder("triage")).otherwise("b");
    let turns = vec![says(&json!({ "reason": "", "route": "nobody" })), b()];
    assert_eq!(run(turns, routed, json!("go")).await.0.text(), "B");
    let led = two(Strategy::Supervisor).led_by(builder("manager"));
    let decides = |next: &str| says(&json!({ "next": next, "work": "w", "answer": "done" }));
    let (report, _) = run(vec![decides("a"), a(), decides("finish")], led, json!("go")).await;
    assert_eq!(report.text(), "done");
    let (report, _) = run(vec![a(), a(), b()], two(Strategy::MapReduce), json!(["x", "y"])).await;
    assert_eq!(report.text(), "B");
}

#[tokio::test]
async fn what_a_strategy_lacks_is_said_before_anything_runs() {
    let world = World::new([]);
    let one = |strategy| Orchestrator::new("o", strategy).agent("a", builder("a"), "");
    let said = |all: Orchestrator| all.build(world.runtime()).unwrap_err().message();
    assert!(said(one(Strategy::Router)).contains("needs `led_by`"));
    assert!(said(one(Strategy::Supervisor)).contains("needs `led_by`"));
    assert!(said(one(Strategy::MapReduce)).contains("two agents"));
    assert!(said(one(Strategy::Parallel).flow("a", "b")).contains("takes no edges"));
    assert!(said(one(Strategy::Dag).flow("a", "x")).contains("`x`, which is no node"));
    assert!(said(Orchestrator::new("o", Strategy::Dag)).contains("there is no agent"));
}
