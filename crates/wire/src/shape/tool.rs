//! The tool that gives the answer, beside the agent's own tools.

use std::borrow::Cow;
use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, ToolChoice};
use largestack_types::label::Origin;
use largestack_types::tool::ToolSpec;

use crate::model::Target;
use crate::quirk::Field;

/// What it is called, unless a tool of the agent's own has that name.
const NAME: &str = "final_answer";
/// What it is for: also a model that cannot be made to call it should know.
const DESCRIPTION: &str = "Gives the final answer. Call it once, when nothing else is left to \
     do, and give the whole answer as its arguments instead of writing it as text.";

/// What the answer's tool is called beside these.
pub(super) fn name(tools: &[ToolSpec]) -> Cow<'static, str> {
    let taken = |name: &str| tools.iter().any(|tool| &*tool.name == name);
    if !taken(NAME) {
        return NAME.into();
    }
    let others = (2..).map(|number| format!("{NAME}_{number}"));
    others.into_iter().find(|name| !taken(name)).map_or(NAME.into(), Cow::Owned)
}

/// The tools on offer with the one that gives the answer, which stands last.
pub(super) fn with_answer(tools: &[ToolSpec], output: &OutputSchema) -> Arc<[ToolSpec]> {
    let answer = ToolSpec {
        name: name(tools).as_ref().into(),
        description: DESCRIPTION.into(),
        parameters: output.schema.clone(),
        idempotent: true,
        origin: Origin::Operator,
        native: None,
        server: false,
    };
    tools.iter().cloned().chain([answer]).collect()
}

/// The choice of tools. A model with tools of the agent's own may call any of them first; without
/// them, or where they may not be called any more, only the answer is left.
pub(super) fn choice(call: &Call, target: &Target) -> ToolChoice {
    let asked = &call.tool_choice;
    if matches!(asked, ToolChoice::Required | ToolChoice::Tool(_)) {
        return asked.clone();
    }
    if !can_force(call, target) {
        return ToolChoice::Auto;
    }
    if call.tools.is_empty() || *asked == ToolChoice::None {
        return ToolChoice::Tool(name(&call.tools).as_ref().into());
    }
    ToolChoice::Required
}

/// Whether the model can be made to call a tool. One that thinks, over Anthropic's protocol,
/// cannot (platform.claude.com/docs/en/build-with-claude/extended-thinking, "tool use").
fn can_force(call: &Call, target: &Target) -> bool {
    if target.provider.lacks(Field::ForcedTool) || !target.profile.forced_tool {
        return false;
    }
    let settings = &call.settings;
    let thinks = settings.reasoning_budget_tokens.is_some()
        || settings.reasoning_effort.is_some_and(|effort| effort != ReasoningEffort::None);
    let anthropic = target.provider.wire.contains("anthropic")
        || (&*target.provider.wire == "bedrock-converse" && target.model.contains("claude"));
    !(anthropic && thinks)
}
