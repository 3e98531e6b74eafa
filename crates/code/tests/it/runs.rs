//! Scripts of an agent: their calls pass what any call passes, and are not made twice.

use std::sync::{Arc, Mutex};

use largestack_agent::pipeline::Permissions;
use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_agent::{Agent, AgentBuilder, Report, ResumeOptions, RunOptions, Runtime};
use largestack_code::{CodeExecute, Language, NAME};
use largestack_engine::event::Event;
use largestack_engine::{Recorded, Status};
use largestack_ports::BoxFuture;
use largestack_ports::clock::{Clock, FakeClock};
use largestack_ports::ids::CountingIds;
use largestack_ports::journal::{Batch, Journal, MemoryJournal};
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::switch::MemorySwitch;
use largestack_ports::tasks::Tasks;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput};
use largestack_ports::vault::MemoryVault;
use largestack_testkit::{TestModel, Turn};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Body, ToolResult};
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;
use serde_json::{Value, json};

use crate::world::{Unconfined, WORKER, languages};

pub(crate) const RUN: RunId = RunId::from_u128((7 << 80) | 5);

struct Spawner;

impl Tasks for Spawner {
    #[expect(clippy::disallowed_methods, reason = "the test's own implementation of the port")]
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// Answers its arguments, and remembers them.
#[derive(Clone)]
pub(crate) struct Look {
    spec: ToolSpec,
    options: ToolOptions,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Look {
    pub(crate) fn named(name: &str) -> Self {
        let schema = r#"{"type":"object","properties":{"n":{"type":"integer","minimum":0},
            "note":{"type":"string"}},"required":["n"],"additionalProperties":false}"#;
        let spec = ToolSpec {
            name: name.into(),
            description: "Looks a number up.".into(),
            parameters: Json::parse(schema).unwrap(),
            idempotent: true,
            origin: Origin::Tool,
            native: None,
            server: false,
        };
        Self { spec, options: ToolOptions::default(), seen: Arc::default() }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut ToolOptions)) -> Self {
        change(&mut self.options);
        self
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Tool for Look {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.options.clone()
    }

    fn call(
        &self,
        _: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        self.seen.lock().unwrap().push(arguments.as_str().to_owned());
        Box::pin(std::future::ready(Ok(ToolOutput::text(arguments.as_str()))))
    }
}

pub(crate) struct World {
    pub(crate) model: TestModel,
    journal: Arc<MemoryJournal>,
    vault: Arc<MemoryVault>,
    pub(crate) scope: Scope,
}

impl World {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let (journal, vault) = Default::default();
        Self { model: TestModel::new(turns), journal, vault, scope: Scope::local() }
    }

    pub(crate) fn runtime(&self) -> Runtime {
        let clock: Arc<dyn Clock> = Arc::new(FakeClock::default());
        let journal: Arc<dyn Journal> = self.journal.clone();
        Runtime {
            journal,
            model: Arc::new(self.model.clone()),
            ledger: Arc::new(MemoryLedger::default()),
            vault: self.vault.clone(),
            switch: Arc::new(MemorySwitch::default()),
            tools: ToolPorts::in_memory(&clock),
            clock,
            ids: Arc::new(CountingIds::default()),
            tasks: Arc::new(Spawner),
            owner: OwnerId::from_u128(1),
            live: LiveRuns::default(),
        }
    }

    pub(crate) fn agent(
        &self,
        look: &Look,
        describe: impl FnOnce(AgentBuilder) -> AgentBuilder,
    ) -> Agent {
        let code = CodeExecute::new(Arc::new(Unconfined), WORKER).calling(["look"]);
        let builder = Agent::builder("coder").model("test/model").tool(look.clone());
        describe(builder.script_tool(code)).build(self.runtime()).unwrap()
    }

    pub(crate) async fn run(&self, agent: &Agent) -> Report {
        let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
        agent.run_with(&self.scope, "go", options).await.unwrap()
    }

    pub(crate) async fn events(&self, run: RunId) -> Vec<Recorded> {
        self.journal.read(&self.scope, run, 0).await.unwrap()
    }

    pub(crate) async fn below(&self) -> RunId {
        let runs = self.journal.runs(&self.scope, 9).await.unwrap();
        runs.iter().find(|summary| summary.run != RUN).unwrap().run
    }

    /// The label of what the script's call came to.
    pub(crate) async fn told_label(&self) -> Label {
        let events = self.events(RUN).await;
        let returned = events.iter().find_map(|event| match &*event.event {
            Event::ToolReturned(returned) => Some(returned.message.parts[0].label),
            _ => None,
        });
        returned.unwrap()
    }

    /// What the script's call came to, as the model was told.
    pub(crate) async fn told(&self) -> ToolResult {
        let events = self.events(RUN).await;
        let returned = events.iter().find_map(|event| match &*event.event {
            Event::ToolReturned(returned) => Some(Arc::clone(&returned.message)),
            _ => None,
        });
        match &returned.unwrap().parts[0].body {
            Body::ToolResult(result) => result.clone(),
            other => panic!("{other:?}"),
        }
    }
}

/// A script that looks up these numbers one after the other, and returns what it found.
fn looking(language: Language, numbers: &[i64]) -> Turn {
    let code = match language {
        Language::Python => format!("[look(n=i) for i in {numbers:?}]"),
        Language::Javascript => format!(
            "const found = []; for (const n of {numbers:?}) found.push(await look({{ n }})); found"
        ),
    };
    script(language, &code)
}

pub(crate) fn script(language: Language, code: &str) -> Turn {
    Turn::tool(NAME, &json!({"language": language.name(), "code": code}).to_string())
}

#[tokio::test]
async fn a_script_calls_the_agents_tools_in_a_run_below() {
    for language in languages() {
        let world = World::new([looking(language, &[1, 2]), Turn::text("done")]);
        let look = Look::named("look");
        let report = world.run(&world.agent(&look, |a| a)).await;
        assert_eq!((report.status, report.text.as_str()), (Status::Completed, "done"));
        assert_eq!(look.seen(), [r#"{"n":1}"#, r#"{"n":2}"#]);
        let told = world.told().await;
        assert_eq!((told.is_error, &*told.text), (false, r#"{"value":[{"n":1},{"n":2}]}"#));
        let below = world.events(world.below().await).await;
        let made = below.iter().filter(|e| e.event.kind() == "tool_returned").count();
        assert_eq!(made, 2, "{language:?}");
        assert_eq!(report.children.len(), 1);
        // The model was asked twice, and never by the script.
        assert_eq!(world.model.calls().len(), 2);
    }
}

#[tokio::test]
async fn the_model_is_told_what_scripts_may_call() {
    if languages().is_empty() {
        return;
    }
    let world = World::new([Turn::text("done")]);
    let agent = world.agent(&Look::named("look"), |a| a);
    let tools = &agent.definition().tools;
    let code = tools.iter().find(|tool| &*tool.name == NAME).unwrap();
    assert!(code.description.contains("look(n: integer, note: string = …): Looks a number up."));
    for language in languages() {
        assert!(code.parameters.as_str().contains(language.name()), "{language:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_script_is_a_result_that_failed() {
    for language in languages() {
        let code = if language == Language::Python {
            "print('so far')\n1 / 0"
        } else {
            "print('so far')\nnull.x"
        };
        let world = World::new([script(language, code), Turn::text("done")]);
        let report = world.run(&world.agent(&Look::named("look"), |a| a)).await;
        assert_eq!(report.status, Status::Completed);
        let told = world.told().await;
        assert!(told.is_error, "{told:?}");
        let said: Value = serde_json::from_str(&told.text).unwrap();
        assert_eq!((&said["error"]["line"], &said["output"]), (&json!(2), &json!("so far\n")));
    }
}

#[tokio::test]
async fn arguments_that_do_not_fit_never_reach_the_tool() {
    for language in languages() {
        let world = World::new([looking(language, &[-1]), Turn::text("done")]);
        let look = Look::named("look");
        world.run(&world.agent(&look, |a| a)).await;
        assert!(look.seen().is_empty());
        let told = world.told().await;
        assert!(told.is_error && told.text.contains("do not fit the tool's schema"), "{told:?}");
    }
}

#[tokio::test]
async fn a_tool_that_is_denied_is_no_function_and_is_not_called() {
    for language in languages() {
        let world = World::new([looking(language, &[1]), Turn::text("done")]);
        let look = Look::named("look");
        let deny = ["look".to_owned()].into();
        let permissions = Permissions { deny, ..Permissions::default() };
        world.run(&world.agent(&look, |a| a.permissions(permissions))).await;
        assert!(look.seen().is_empty());
        assert!(world.told().await.is_error);
    }
}

#[tokio::test]
async fn a_tool_that_is_not_named_for_scripts_is_none_of_their_functions() {
    for language in languages() {
        let world = World::new([
            script(
                language,
                if language == Language::Python { "other(n=1)" } else { "other({ n: 1 })" },
            ),
            Turn::text("done"),
        ]);
        let other = Look::named("other");
        world.run(&world.agent(&Look::named("look"), |a| a.tool(other.clone()))).await;
        assert!(other.seen().is_empty());
        let told = world.told().await;
        assert!(told.text.contains("not defined"), "{told:?}");
    }
    let world = World::new([]);
    let code = CodeExecute::new(Arc::new(Unconfined), WORKER).calling(["nobody"]);
    let built = Agent::builder("coder").model("m").script_tool(code).build(world.runtime());
    let error = built.err().unwrap().to_string();
    assert!(error.contains("scripts may call `nobody`, which is not a tool"), "{error}");
}

#[tokio::test]
async fn the_guards_see_what_goes_into_a_call_and_what_comes_out_of_it() {
    let secret = "4111 1111 1111 1111";
    for language in languages() {
        // Put together only when the script runs: nobody could have seen it in its text.
        let code = match language {
            Language::Python => "look(n=1, note=' '.join(['4111', '1111', '1111', '1111']))",
            Language::Javascript => {
                "await look({ n: 1, note: ['4111', '1111', '1111', '1111'].join(' ') })"
            }
        };
        let world = World::new([script(language, code), Turn::text("done")]);
        let look = Look::named("look");
        let report = world.run(&world.agent(&look, |a| a)).await;
        assert_eq!(report.status, Status::Completed);
        assert_eq!(look.seen().len(), 1);
        assert!(!look.seen()[0].contains(secret), "the tool is given no card: {:?}", look.seen());
        let below = world.events(world.below().await).await;
        let written: String = below.iter().map(|e| e.event.data().unwrap()).collect();
        assert!(!written.contains(secret) && written.contains("CARD"), "{written}");
    }
}

#[tokio::test]
async fn a_script_that_is_taken_up_after_any_event_makes_no_finished_call_again() {
    for language in languages() {
        let turns = || vec![looking(language, &[1, 2, 3]), Turn::text("done")];
        let whole = World::new(turns());
        whole.run(&whole.agent(&Look::named("look"), |a| a)).await;
        let child = whole.below().await;
        let (above, below) = (whole.events(RUN).await, whole.events(child).await);
        let started = above.iter().enumerate().filter(|(_, e)| e.event.kind() == "effect_started");
        let called = started.map(|(at, _)| at + 1).nth(1).unwrap();
        for cut in 0..=below.len() {
            let returned =
                below[..cut].iter().filter(|e| e.event.kind() == "tool_returned").count();
            let world = World::new(turns().split_off(1));
            for (run, events) in [(RUN, &above[..called]), (child, &below[..cut])] {
                if events.is_empty() {
                    continue;
                }
                let owner = OwnerId::from_u128(9);
                let lease = world.journal.claim(&world.scope, run, owner).await.unwrap();
                let batch = Batch { events: events.to_vec(), ..Batch::default() };
                world.journal.append(&lease, batch).unwrap();
                world.journal.release(&lease).await.unwrap();
            }
            let look = Look::named("look");
            let agent = world.agent(&look, |a| a);
            let report = agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap();
            assert_eq!(report.text, "done", "{language:?}, cut after {cut}");
            assert_eq!(look.seen().len(), 3 - returned, "{language:?}, cut after {cut}");
            let found = r#"{"value":[{"n":1},{"n":2},{"n":3}]}"#;
            assert_eq!(&*world.told().await.text, found, "{language:?}, cut after {cut}");
        }
    }
}
