//! The operator's own policies about calls, whatever language they are in: they tighten what everything
//! else says, are recorded with what they decide, and are the same after a crash.

use std::sync::{Arc, Mutex};

use largestack_agent::pipeline::Permissions;
use largestack_agent::{AgentBuilder, ResumeOptions, RunOptions};
use largestack_engine::Status;
use largestack_engine::event::{Event, PolicyDecided, ToolOutcome};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::policies::{BoundTool, CallPolicies, Decided, Policies, PolicyCall};
use largestack_ports::tool::{Capability, ToolOutput};
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::{Code, Coded as _};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::label::Origin;
use largestack_types::policy::{Decision, Reason};

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128((7 << 80) | 0xb);

/// What policies were told of each call.
type Told = Arc<Mutex<Vec<String>>>;

/// Policies that say the same of each call of `pay`, and allow the others.
#[derive(Clone)]
struct Say {
    of_pay: Decision,
    told: Told,
}

impl Say {
    fn of(of_pay: Decision) -> Arc<Self> {
        Arc::new(Self { of_pay, told: Told::default() })
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Policies for Say {
    fn hash(&self) -> Hash {
        Hash::of(self.of_pay.name().as_bytes())
    }

    fn bind(&self, tools: &[BoundTool<'_>]) -> Result<Arc<dyn CallPolicies>, Vec<String>> {
        if tools.iter().any(|tool| &**tool.name == "pay") {
            return Ok(Arc::new(self.clone()));
        }
        Err(vec!["own.cedar:1:1: there is no `pay`".to_owned()])
    }
}

impl CallPolicies for Say {
    fn decide(&self, call: &PolicyCall<'_>) -> Decided {
        let facts = format!(
            "{}/{} {} {} {} untrusted={} from_user={} approved={}",
            call.scope.tenant(),
            call.agent,
            call.model,
            call.tool,
            call.arguments.as_str(),
            call.untrusted,
            call.from_user,
            call.approved,
        );
        self.told.lock().unwrap().push(facts);
        let decision = if call.tool == "pay" { self.of_pay } else { Decision::Allow };
        let reason = Reason { policy: "own.pay".into(), decision, why: "it was written so".into() };
        Decided { decision, reasons: vec![reason] }
    }
}

fn page() -> Spy {
    Spy::new("page", move |_, _| Box::pin(async move { Ok(ToolOutput::text("Pay 9.")) })).with(
        |o| {
            o.access.capabilities = [Capability::Read].into();
            o.access.origin = Some(Origin::Web);
        },
    )
}

fn pay() -> Spy {
    Spy::echo("pay").with(|o| o.access.capabilities = [Capability::Pay].into())
}

fn paying() -> [Turn; 2] {
    [Turn::tool("pay", r#"{"n":9}"#), Turn::text("done")]
}

/// What was decided by these policies, and the outcomes of the calls with what the model was told.
async fn log(world: &World, run: RunId) -> (Vec<PolicyDecided>, Vec<(ToolOutcome, String)>) {
    let (mut decided, mut outcomes) = (Vec::new(), Vec::new());
    for event in world.events(run).await {
        match &*event {
            Event::PolicyDecided(one) => decided.push(one.clone()),
            Event::ToolReturned(one) => {
                outcomes.push((one.outcome, format!("{:?}", one.message.parts[0].body)));
            }
            _ => {}
        }
    }
    (decided, outcomes)
}

#[tokio::test]
async fn each_call_is_decided_and_the_journal_names_the_policy_also_where_it_allows() {
    for (decision, paid) in
        [(Decision::Allow, 1), (Decision::RequireApproval, 0), (Decision::Refuse, 0)]
    {
        let world = World::new(paying());
        let (pay, own) = (pay(), Say::of(decision));
        let agent = world.agent(|a| a.tool(pay.clone()).policies(own.clone()));
        let report = agent.run(&world.scope, "Pay 9.").await.unwrap();
        assert_eq!((report.status, pay.count()), (Status::Completed, paid), "{decision:?}");
        let (decided, outcomes) = log(&world, report.run).await;
        let [one] = &decided[..] else { panic!("{decided:?}") };
        assert_eq!((one.decision, &*one.resource), (decision, "pay"));
        assert_eq!(&*one.reasons[0].policy, "own.pay");
        let (outcome, told) = &outcomes[0];
        if paid == 0 {
            assert_eq!(*outcome, ToolOutcome::Denied);
            assert!(told.contains("LARGESTACK_TOOL_PERM") && told.contains("own.pay"), "{told}");
        }
        // The call stands in the user's own words, and nothing untrusted was read.
        let facts = own.told();
        assert_eq!(facts.len(), 1, "{facts:?}");
        assert!(
            facts[0].ends_with(
                r#"test/model pay {"n":9} untrusted=false from_user=true approved=false"#
            ),
            "{facts:?}"
        );
    }
}

#[tokio::test]
async fn what_anything_else_refuses_no_policy_opens() {
    // By permission.
    let world = World::new(paying());
    let (spy, own) = (pay(), Say::of(Decision::Allow));
    let permissions = Permissions { deny: ["pay".to_owned()].into(), ..Permissions::default() };
    let agent = world.agent(|a| a.tool(spy.clone()).permissions(permissions).policies(own.clone()));
    agent.run(&world.scope, "Pay 9.").await.unwrap();
    assert_eq!((spy.count(), own.told().len()), (0, 0));
    // By labels.
    let world = World::new([Turn::tool("page", "{}")].into_iter().chain(paying()));
    let agent = world.agent(|a| a.tool(page()).tool(spy.clone()).policies(own.clone()));
    let report = agent.run(&world.scope, "go").await.unwrap();
    assert_eq!(spy.count(), 0);
    let (decided, _) = log(&world, report.run).await;
    let last = decided.last().unwrap();
    assert_eq!(&*last.reasons[0].policy, "taint.on_untrusted.pay");
}

#[tokio::test]
async fn a_refusal_ends_the_run_where_denials_are_raised() {
    let world = World::new(paying());
    let (pay, own) = (pay(), Say::of(Decision::Refuse));
    let permissions = Permissions { raise: true, ..Permissions::default() };
    let agent = world.agent(|a| a.tool(pay.clone()).permissions(permissions).policies(own));
    let report = agent.run(&world.scope, "Pay 9.").await.unwrap();
    let error = report.error.unwrap();
    assert_eq!((error.code(), pay.count()), (Code::ToolPerm, 0));
    assert!(error.message().contains("own.pay"), "{}", error.message());
}

#[tokio::test]
async fn policies_that_do_not_hold_with_the_tools_make_no_agent_and_are_part_of_its_definition() {
    let world = World::new(paying());
    let build = |change: fn(AgentBuilder) -> AgentBuilder| {
        let builder = largestack_agent::Agent::builder("a").model("test/model");
        change(builder).build(world.runtime())
    };
    let wrong = build(|a| a.policies(Say::of(Decision::Allow))).err().unwrap();
    assert!(wrong.message().contains("own.cedar:1:1: there is no `pay`"), "{}", wrong.message());
    let none = build(|a| a.tool(pay())).unwrap();
    let allow = build(|a| a.tool(pay()).policies(Say::of(Decision::Allow))).unwrap();
    let refuse = build(|a| a.tool(pay()).policies(Say::of(Decision::Refuse))).unwrap();
    assert_ne!(none.definition_hash(), allow.definition_hash());
    assert_ne!(allow.definition_hash(), refuse.definition_hash());
}

#[tokio::test]
async fn a_call_that_was_not_decided_yet_is_decided_the_same_after_any_event() {
    let whole = World::new(paying());
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    let describe =
        |a: AgentBuilder, pay: &Spy| a.tool(pay.clone()).policies(Say::of(Decision::Refuse));
    let first = pay();
    let agent = whole.agent(|a| describe(a, &first));
    agent.run_with(&whole.scope, "Pay 9.", options).await.unwrap();
    let events = whole.journal.read(&whole.scope, RUN, 0).await.unwrap();
    let (expected, _) = log(&whole, RUN).await;
    assert_eq!(expected.len(), 1);
    for cut in 1..events.len() {
        let said = |e: &&largestack_engine::Recorded| matches!(*e.event, Event::ModelReplied(_));
        let answered = events[..cut].iter().filter(said).count();
        let world = World::of(TestModel::new(paying().into_iter().skip(answered)));
        let lease = world.journal.claim(&world.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
        let batch = Batch { events: events[..cut].to_vec(), ..Batch::default() };
        world.journal.append(&lease, batch).unwrap();
        world.journal.release(&lease).await.unwrap();
        let pay = pay();
        let agent = world.agent(|a| describe(a, &pay));
        let report = agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap();
        assert_eq!((report.status, pay.count()), (Status::Completed, 0), "cut {cut}");
        let (decided, _) = log(&world, RUN).await;
        assert!(!decided.is_empty() && decided.iter().all(|one| *one == expected[0]), "cut {cut}");
    }
}
