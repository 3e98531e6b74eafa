//! Tools as nodes: what they are called with, what is checked before, what undoes them.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use largestack_engine::graph::{Fact, NodeState, Undo};
use largestack_engine::{Event, Status};
use largestack_flow::{NodeTool, Team, Workflow};
use largestack_ports::journal::Journal as _;
use largestack_ports::tool::{ApprovalRule, Tool, ToolContext, ToolFailure, ToolOutput};
use largestack_testkit::Turn;
use largestack_types::json::Json;
use largestack_types::label::{DataClass, DataClasses, Origin};
use largestack_types::tool::ToolSpec;
use serde_json::{Value, json};

use crate::world::World;

/// A tool that notes what it is called with.
#[derive(Clone)]
struct Desk {
    spec: ToolSpec,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Desk {
    fn new(name: &str, calls: &Arc<Mutex<Vec<(String, Value)>>>) -> Self {
        let parameters = json!({
            "type": "object",
            "properties": { "city": {"type": "string"}, "id": {"type": "string"} },
            "required": if name == "book" { json!(["city"]) } else { json!([]) },
            "additionalProperties": false,
        });
        let spec = ToolSpec {
            name: name.into(),
            description: "A desk.".into(),
            parameters: Json::of(&parameters).unwrap(),
            idempotent: name != "book",
            origin: Origin::Tool,
            native: None,
            server: false,
        };
        Self { spec, calls: Arc::clone(calls) }
    }
}

impl Tool for Desk {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        let said: Value = arguments.to().unwrap();
        self.calls.lock().unwrap().push((self.spec.name.to_string(), said.clone()));
        assert!(!context.idempotency_key.is_empty());
        Box::pin(async move {
            match said["city"].as_str() {
                Some("Atlantis") => Err(ToolFailure::new("there is no such city")),
                _ => {
                    ToolOutput::json(&json!({ "id": format!("b-{}", said["city"]), "said": said }))
                }
            }
        })
    }
}

/// What was called, with what.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

fn desks() -> (NodeTool, NodeTool, Calls) {
    let calls = Arc::default();
    (NodeTool::new(Desk::new("book", &calls)), NodeTool::new(Desk::new("cancel", &calls)), calls)
}

pub(crate) fn book() -> NodeTool {
    desks().0
}

fn trip(world: &World, (book, cancel): (&NodeTool, &NodeTool)) -> Workflow {
    let undone = json!({ "id": "{{ flight.id }}", "city": "{{ from }}" });
    Workflow::builder("trip")
        .input("from")
        .input("to")
        .tool("flight", book, json!({ "city": "{{ from }}" }))
        .tool("hotel", book, json!({ "city": "{{ to }}" }))
        .then("flight", "hotel")
        .undo_by("flight", (cancel, undone), |undo| Undo { when_failed: true, ..undo })
        .answer("flight")
        .build(world.runtime())
        .unwrap()
}

#[tokio::test]
async fn what_a_tool_returns_is_a_value_and_what_was_done_is_undone_with_it() {
    let world = World::new([]);
    let (book, cancel, calls) = desks();
    let flow = trip(&world, (&book, &cancel));
    let report = flow.run(&world.scope, json!({"from": "Oslo", "to": "Rome"})).await.unwrap();
    assert_eq!(report.output["said"]["city"], "Oslo");
    calls.lock().unwrap().clear();
    let report = flow.run(&world.scope, json!({"from": "Oslo", "to": "Atlantis"})).await.unwrap();
    assert_eq!(
        (report.status, report.node("flight").unwrap().state),
        (Status::Failed, NodeState::Undone)
    );
    let calls = calls.lock().unwrap();
    assert_eq!(calls[2], ("cancel".to_owned(), json!({"id": "b-\"Oslo\"", "city": "Oslo"})));
    assert_eq!(calls.len(), 3);
}

#[tokio::test]
async fn a_tool_is_given_in_clear_what_it_may_see_and_placeholders_of_the_rest() {
    let world = World::new([]);
    let (book, _, calls) = desks();
    let open = book.clone().with_options(|options| {
        options.access.reveals = [DataClass::Card].into_iter().collect::<DataClasses>();
    });
    for (tool, clear) in [(&book, false), (&open, true)] {
        let flow = Workflow::builder("w")
            .input("card")
            .tool("pay", tool, json!({ "city": "{{ card }}" }))
            .build(world.runtime())
            .unwrap();
        flow.run(&world.scope, "4111 1111 1111 1111").await.unwrap();
        let seen = calls.lock().unwrap().pop().unwrap().1;
        assert_eq!(seen["city"].as_str().unwrap().contains("4111"), clear, "{seen}");
    }
}

#[tokio::test]
async fn what_a_tool_returns_comes_from_where_its_operator_says() {
    let world = World::new([]);
    let (book, _, _) = desks();
    let foreign = book.clone().with_options(|options| options.access.origin = Some(Origin::Web));
    for (tool, is_foreign) in [(&book, false), (&foreign, true)] {
        let flow = Workflow::builder("w").tool("a", tool, json!({ "city": "Oslo" }));
        let run =
            flow.build(world.runtime()).unwrap().run(&world.scope, Value::Null).await.unwrap();
        let events = world.journal.read(&world.scope, run.run, 0).await.unwrap();
        let label = events.iter().find_map(|event| match &*event.event {
            Event::Graph(Fact::NodeFinished(data)) => Some(data.label),
            _ => None,
        });
        let origins = label.unwrap().origins;
        assert_eq!(origins.contains(Origin::Web), is_foreign, "{origins:?}");
        assert_eq!(origins.contains(Origin::Tool), !is_foreign, "{origins:?}");
    }
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_before_the_run_or_before_the_call() {
    let world = World::new([]);
    let (book, cancel, calls) = desks();
    let build = |arguments: Value| {
        let flow = Workflow::builder("w").input("n").tool("a", &book, arguments);
        flow.build(world.runtime())
    };
    let why = build(json!({})).unwrap_err().to_string();
    assert!(why.contains("node `a`: `book` needs `city`"), "{why}");
    let why = build(json!({"city": "x", "town": 1})).unwrap_err().to_string();
    assert!(why.contains("`book` takes no `town` (it takes city, id)"), "{why}");
    let flow = build(json!({ "city": "{{ n }}" })).unwrap();
    let failed = flow.run(&world.scope, json!({ "n": 7 })).await.unwrap().error.unwrap();
    assert!(failed.to_string().contains("do not fit the tool's schema"), "{failed}");
    assert!(calls.lock().unwrap().is_empty());
    let asking = cancel.with_options(|options| options.access.approval = ApprovalRule::Required);
    let undone = Workflow::builder("w").input("n").tool("a", &book, json!({"city": "x"}));
    let undone = undone.undo_by("a", (&asking, json!({})), |undo| undo);
    let why = undone.build(world.runtime()).unwrap_err().to_string();
    assert!(why.contains("a person has to agree"), "{why}");
}

#[tokio::test]
async fn a_model_without_tools_acts_by_those_of_its_team() {
    let act = |act: Value| json!({ "thought": "Well.", "act": act }).to_string();
    let world = World::new([
        Turn::text(act(json!({ "action": "book", "arguments": { "city": "Oslo" } }))),
        Turn::text(act(json!({ "action": "finish", "answer": "Booked." }))),
    ]);
    let (book, _, calls) = desks();
    let agent = || largestack_agent::Agent::builder("actor").model("test/model");
    let team = Team::new("chat", "structured_chat")
        .role("actor", largestack_flow::Seat::new("actor", agent()));
    let none = team.builder(&world.runtime()).err().unwrap();
    assert!(none.to_string().contains("`structured_chat` needs tools"), "{none}");
    let team = Team::new("chat", "structured_chat")
        .role("actor", largestack_flow::Seat::new("actor", agent()))
        .acting_by(book);
    let flow = team.builder(&world.runtime()).unwrap().build(world.runtime()).unwrap();
    let report = flow.run(&world.scope, "Book Oslo.").await.unwrap();
    assert_eq!(report.output, "Booked.");
    assert_eq!(calls.lock().unwrap()[0].1, json!({"city": "Oslo"}));
}

/// A tool that waits instead of returning.
struct Waits(ToolSpec);

impl Tool for Waits {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: ToolContext, _: Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        Box::pin(async { Ok(ToolOutput::wait_for("payment", None)) })
    }
}

#[tokio::test]
async fn a_tool_that_waits_fails_its_node_and_says_which_nodes_wait() {
    let world = World::new([]);
    let spec = Desk::new("cancel", &Calls::default()).spec;
    let flow = Workflow::builder("w")
        .tool("pay", &NodeTool::new(Waits(spec)), json!({}))
        .build(world.runtime())
        .unwrap();
    let report = flow.run(&world.scope, json!({})).await.unwrap();
    assert_eq!(report.status, Status::Failed);
    let why = format!("{:?}", report.error);
    assert!(why.contains("cannot wait") && why.contains("`event`"), "{why}");
}
