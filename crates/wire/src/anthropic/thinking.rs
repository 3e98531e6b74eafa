//! How hard to think, in the words of each generation of models: a budget of tokens, a budget and
//! an effort, or as much as the model finds fit for an effort
//! (platform.claude.com/docs/en/build-with-claude/adaptive-thinking and .../effort).

use largestack_types::call::{ReasoningEffort, Settings};

use crate::profile::{Profile, Thinking};

/// The smallest budget that the API takes, in tokens.
const LEAST: u32 = 1_024;

/// What a request says about thinking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The field `thinking`, as JSON.
    pub(super) thinking: Option<String>,
    /// `output_config.effort`.
    pub(super) effort: Option<&'static str>,
    /// Settings that were left out or changed.
    pub(super) dropped: Vec<&'static str>,
}

impl Plan {
    /// Whether the model is told to think, which most sampling settings exclude.
    pub(super) fn thinks(&self) -> bool {
        self.thinking.as_ref().is_some_and(|json| !json.contains("disabled"))
    }
}

const BUDGET: &str = "reasoning_budget_tokens";
const EFFORT: &str = "reasoning_effort";

/// The plan for a call with this output limit; `forced` when it must call a tool, which excludes
/// thinking by budget.
pub(super) fn plan(settings: &Settings, profile: &Profile, limit: u32, forced: bool) -> Plan {
    let (effort, budget) = (settings.reasoning_effort, settings.reasoning_budget_tokens);
    let off = effort == Some(ReasoningEffort::None);
    let effort = effort.filter(|_| !off);
    let mut plan = Plan::default();
    if !profile.reasoning {
        plan.dropped.extend(effort.map(|_| EFFORT));
        plan.dropped.extend(budget.map(|_| BUDGET));
        return plan;
    }
    let adaptive = match profile.thinking {
        Thinking::Adaptive => effort.is_some(),
        Thinking::AdaptiveOnly => effort.is_some() || budget.is_some(),
        Thinking::Budget | Thinking::BudgetAndEffort => false,
    };
    if off {
        // Later models think unless they are told not to.
        let disabled = || "{\"type\":\"disabled\"}".to_owned();
        plan.thinking = (profile.thinking == Thinking::AdaptiveOnly).then(disabled);
        plan.dropped.extend(budget.map(|_| BUDGET));
    } else if adaptive {
        plan.thinking = Some("{\"type\":\"adaptive\"}".to_owned());
        plan.effort = effort.map(|effort| word(effort, profile.thinking));
        plan.dropped.extend(budget.map(|_| BUDGET));
    } else if effort.is_some() || budget.is_some() {
        by_budget(&mut plan, effort, budget, limit, forced);
        if profile.thinking == Thinking::BudgetAndEffort {
            plan.effort = effort.map(|effort| word(effort, profile.thinking));
            plan.dropped.retain(|dropped| *dropped != EFFORT || plan.effort.is_none());
        }
    }
    plan
}

fn by_budget(
    plan: &mut Plan,
    effort: Option<ReasoningEffort>,
    budget: Option<u32>,
    limit: u32,
    forced: bool,
) {
    let Some(wanted) = budget.or_else(|| effort.map(|effort| share(effort, limit))) else { return };
    // A budget must leave room for an answer.
    if forced || limit <= LEAST {
        plan.dropped.extend(effort.map(|_| EFFORT));
        plan.dropped.extend(budget.map(|_| BUDGET));
        return;
    }
    let given = wanted.clamp(LEAST, limit - 1);
    if budget.is_some_and(|asked| asked != given) {
        plan.dropped.push(BUDGET);
    }
    if budget.is_some() && effort.is_some() {
        plan.dropped.push(EFFORT);
    }
    plan.thinking = Some(format!("{{\"type\":\"enabled\",\"budget_tokens\":{given}}}"));
}

/// The part of the output limit that an effort may spend on thinking.
const fn share(effort: ReasoningEffort, limit: u32) -> u32 {
    let percent = match effort {
        ReasoningEffort::None => 0,
        ReasoningEffort::Minimal => 10,
        ReasoningEffort::Low => 20,
        ReasoningEffort::Medium => 50,
        ReasoningEffort::High => 80,
        ReasoningEffort::Xhigh | ReasoningEffort::Max => 95,
    };
    limit / 100 * percent
}

/// The nearest step that the model has.
const fn word(effort: ReasoningEffort, thinking: Thinking) -> &'static str {
    match (effort, thinking) {
        (ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low, _) => "low",
        (ReasoningEffort::Medium, _) => "medium",
        (ReasoningEffort::High, _) | (_, Thinking::Budget | Thinking::BudgetAndEffort) => "high",
        (ReasoningEffort::Xhigh, Thinking::AdaptiveOnly) => "xhigh",
        (ReasoningEffort::Xhigh | ReasoningEffort::Max, _) => "max",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(thinking: Thinking, effort: Option<ReasoningEffort>, budget: Option<u32>) -> Plan {
        let profile = Profile { thinking, ..Profile::default() };
        let settings = Settings {
            reasoning_effort: effort,
            reasoning_budget_tokens: budget,
            ..Settings::default()
        };
        plan(&settings, &profile, 4_096, false)
    }

    fn said(plan: &Plan) -> (&str, &str) {
        (plan.thinking.as_deref().unwrap_or_default(), plan.effort.unwrap_or_default())
    }

    #[test]
    fn each_generation_is_told_in_its_own_words() {
        let high = Some(ReasoningEffort::High);
        let budget = "{\"type\":\"enabled\",\"budget_tokens\":3200}";
        let adaptive = "{\"type\":\"adaptive\"}";
        assert_eq!(said(&of(Thinking::Budget, high, None)), (budget, ""));
        assert_eq!(said(&of(Thinking::BudgetAndEffort, high, None)), (budget, "high"));
        assert_eq!(said(&of(Thinking::Adaptive, high, None)), (adaptive, "high"));
        let most = Some(ReasoningEffort::Xhigh);
        assert_eq!(said(&of(Thinking::BudgetAndEffort, most, None)).1, "high");
        assert_eq!(said(&of(Thinking::Adaptive, most, None)).1, "max");
        assert_eq!(said(&of(Thinking::AdaptiveOnly, most, None)).1, "xhigh");
        let none = Some(ReasoningEffort::None);
        assert_eq!(said(&of(Thinking::Adaptive, none, None)), ("", ""));
        let disabled = "{\"type\":\"disabled\"}";
        assert_eq!(said(&of(Thinking::AdaptiveOnly, none, None)), (disabled, ""));
        assert_eq!(of(Thinking::AdaptiveOnly, None, None), Plan::default());
    }

    #[test]
    fn a_budget_is_at_least_1024_and_less_than_the_output_limit() {
        let of = |budget| {
            let plan = of(Thinking::Budget, None, Some(budget));
            (plan.thinking.unwrap_or_default(), plan.dropped)
        };
        let enabled = |n: u32| format!("{{\"type\":\"enabled\",\"budget_tokens\":{n}}}");
        assert_eq!(of(1_024), (enabled(1_024), vec![]));
        assert_eq!(of(1_023), (enabled(1_024), vec![BUDGET]));
        assert_eq!(of(4_095), (enabled(4_095), vec![]));
        assert_eq!(of(4_096), (enabled(4_095), vec![BUDGET]));
    }

    #[test]
    fn what_cannot_be_said_is_reported() {
        let settings = Settings {
            reasoning_effort: Some(ReasoningEffort::Low),
            reasoning_budget_tokens: Some(2_000),
            ..Settings::default()
        };
        let of = |profile: &Profile, limit, forced| plan(&settings, profile, limit, forced);
        let old = Profile { reasoning: false, ..Profile::default() };
        assert_eq!(of(&old, 4_096, false).dropped, [EFFORT, BUDGET]);
        let budget = Profile::default();
        assert_eq!(of(&budget, 4_096, false).dropped, [EFFORT]);
        assert_eq!(of(&budget, 4_096, true).dropped, [EFFORT, BUDGET]);
        assert_eq!(of(&budget, 1_024, false).dropped, [EFFORT, BUDGET]);
        let new = Profile { thinking: Thinking::AdaptiveOnly, ..Profile::default() };
        assert_eq!(of(&new, 4_096, true).dropped, [BUDGET]);
        assert!(of(&new, 4_096, true).thinks());
    }
}
