//! What a case plays with: a model that asks for what the case says, and tools that do nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_config::{PolicyCase, ReadBy};
use largestack_ports::BoxFuture;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_ports::tool::{Capability, Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput};
use largestack_tools::DynamicTool;
use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::reply::Reply;
use largestack_types::tool::ToolSpec;

use crate::scripted::{calls, given, says};

/// The model's name.
pub(super) const MODEL: &str = "policy/cases";

/// What plays now, and how far it has come.
#[derive(Default)]
pub(super) struct Scene {
    case: Option<PolicyCase>,
    /// How many texts were asked for.
    reads: usize,
    /// Whether the call that is judged was asked for.
    pub(super) asked: bool,
    /// Whether it was let through.
    pub(super) called: bool,
    /// The agent's tools, by name.
    tools: BTreeSet<Arc<str>>,
}

/// A scene that the model and the tools share.
#[derive(Clone, Default)]
pub(super) struct Stage(Arc<Mutex<Scene>>);

/// The name of what returns a text that no tool of the agent does.
pub(super) fn reader(by: &ReadBy) -> Option<String> {
    let ReadBy::Origin(origin, classes) = by else { return None };
    let classes: Vec<&str> = classes.iter().map(|class| class.name()).collect();
    Some([&["policy_test", origin.name()][..], &classes].concat().join("_"))
}

impl Stage {
    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a case.
    pub(super) fn set(&self, case: &PolicyCase) {
        let mut scene = self.scene();
        let tools = std::mem::take(&mut scene.tools);
        *scene = Scene { case: Some(case.clone()), tools, ..Scene::default() };
    }

    /// How far it has come.
    pub(super) fn strike(&self) -> Scene {
        let mut scene = self.scene();
        let tools = scene.tools.clone();
        std::mem::replace(&mut *scene, Scene { tools, ..Scene::default() })
    }

    /// What stands in the place of one of the agent's tools.
    pub(super) fn stand_in(&self, tool: Arc<dyn Tool>) -> Arc<dyn Tool> {
        self.scene().tools.insert(Arc::clone(&tool.spec().name));
        Arc::new(StandIn { tool, stage: self.clone() })
    }

    /// Refuses a name that is none of the agent's tools.
    pub(super) fn must_know(&self, tool: &str, case: &str) -> Result<()> {
        let scene = self.scene();
        if scene.tools.contains(tool) {
            return Ok(());
        }
        let known: Vec<&str> = scene.tools.iter().map(|tool| &**tool).collect();
        let advice = match known.as_slice() {
            [] => "It has none: add them to its agent.yaml".to_owned(),
            known => format!("Its tools are {}", known.join(", ")),
        };
        let detail = format!("the case `{case}` names `{tool}`, which is no tool of the agent");
        Err(LargestackError::with_advice(Code::Input, detail, advice))
    }

    /// What returns the texts that no tool of the agent does.
    pub(super) fn readers(&self, cases: &[PolicyCase]) -> Vec<DynamicTool> {
        let reads = cases.iter().flat_map(|case| &case.reads);
        let named: BTreeMap<String, &ReadBy> =
            reads.filter_map(|read| Some((reader(&read.by)?, &read.by))).collect();
        let tool = |(name, by): (String, &ReadBy)| {
            let stage = self.clone();
            let (origin, classes) = match by {
                ReadBy::Origin(origin, classes) => (*origin, classes.clone()),
                ReadBy::Tool(..) => (Origin::Tool, Vec::new()),
            };
            let nothing = Json::vouched(r#"{"type":"object"}"#);
            let about = "What was read in a case of policy-tests.yaml.";
            DynamicTool::new(name, about, nothing, move |_, _| {
                std::future::ready(Ok(ToolOutput::text(stage.perform())))
            })
            .origin(origin)
            .capabilities([Capability::Read])
            .with_options(|options| options.access.classes = classes.into_iter().collect())
        };
        named.into_iter().map(tool).collect()
    }

    /// What a tool returns now.
    fn perform(&self) -> String {
        let mut scene = self.scene();
        if scene.asked {
            scene.called = true;
            return "done".to_owned();
        }
        let last = scene.reads.saturating_sub(1);
        let read = scene.case.as_ref().and_then(|case| case.reads.get(last));
        read.map(|read| read.text.to_string()).unwrap_or_default()
    }
}

/// One of the agent's tools, which is told as it is and does nothing.
struct StandIn {
    tool: Arc<dyn Tool>,
    stage: Stage,
}

impl Tool for StandIn {
    fn spec(&self) -> &ToolSpec {
        self.tool.spec()
    }

    fn options(&self) -> ToolOptions {
        // What one case has read is not another's.
        ToolOptions { cache: None, ..self.tool.options() }
    }

    fn call(
        &self,
        _: ToolContext,
        _: Json,
    ) -> BoxFuture<'static, std::result::Result<ToolOutput, ToolFailure>> {
        let output = ToolOutput::text(self.stage.perform());
        Box::pin(std::future::ready(Ok(output)))
    }
}

/// The model: asks for the texts, one by one, then for the call.
pub(super) struct Scripted(pub(super) Stage);

impl Scripted {
    fn reply(&self) -> Reply {
        let mut scene = self.0.scene();
        let Some(case) = scene.case.clone() else { return says("Nothing is tried.") };
        if let Some(read) = case.reads.get(scene.reads) {
            scene.reads += 1;
            return match &read.by {
                ReadBy::Tool(tool, arguments) => calls(tool, arguments.as_str()),
                by @ ReadBy::Origin(..) => {
                    calls(&reader(by).unwrap_or_default(), Json::empty_object().as_str())
                }
            };
        }
        if scene.asked {
            return says("That is all.");
        }
        scene.asked = true;
        calls(&case.tool, case.arguments.as_str())
    }
}

impl Model for Scripted {
    fn call<'a>(&'a self, _: &'a CallContext, _: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        given(Ok(self.reply()))
    }
}
