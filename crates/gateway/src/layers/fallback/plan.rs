//! What an operator has decided for an agent: who takes over, when, and where its words may go.

use std::collections::HashMap;
use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::errors::LargestackError;
use largestack_types::label::{DataClass, DataClasses};

use super::classes::{self, ProviderRule};
use super::residency;
use crate::route::Route;

/// What happens when a reply breaks off after a part of it was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBreak {
    /// The next model goes on behind the delivered text, where it can; the listener hears one
    /// answer.
    #[default]
    Continue,
    /// The next model begins again; what was delivered is void.
    Restart,
    /// What was delivered is the reply, with the finish reason `error`.
    Surface,
    /// The call fails with the error of the break.
    Fail,
}

/// What happens where [`OnBreak::Continue`] is asked for and the next model cannot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CannotContinue {
    /// As [`OnBreak::Restart`].
    #[default]
    Restart,
    /// As [`OnBreak::Surface`].
    Surface,
    /// As [`OnBreak::Fail`].
    Fail,
}

/// Replies that are complete and of no use, after which the next model is asked. None unless they
/// are named: an answer that somebody paid for is thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnContent {
    /// A reply that says nothing and calls no tool.
    pub empty: bool,
    /// The model declined.
    pub refusal: bool,
    /// A reply that does not fit the schema that was asked for.
    pub invalid_output: bool,
}

/// When the next model of a list takes over, beside failures in which another may succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FallbackPolicy {
    /// When a reply breaks off after a part of it was delivered.
    pub on_break: OnBreak,
    /// Where the next model cannot continue.
    pub cannot_continue: CannotContinue,
    /// Complete replies that do not count.
    pub on_content: OnContent,
    /// A model whose worst case costs more than this many times the first one's does not take
    /// over; nor, under such a limit, does one without a price.
    pub max_price_factor: Option<f64>,
}

/// One agent's list and rules.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) models: Vec<Arc<str>>,
    pub(crate) policy: FallbackPolicy,
    /// Labels of which a provider must have one; none for every provider.
    pub(crate) residency: Vec<Arc<str>>,
    /// Who may be told which kinds of data.
    pub(crate) classes: Vec<(DataClass, ProviderRule)>,
}

impl Plan {
    /// Whether nothing is planned: then calls pass without looking.
    fn is_idle(&self) -> bool {
        self.models.is_empty() && self.residency.is_empty() && self.classes.is_empty()
    }

    /// Why a call with data of these kinds may not go there; `None` where it may.
    pub(super) fn refused(&self, holds: DataClasses, route: &Route) -> Option<LargestackError> {
        residency::refused(&self.residency, route)
            .or_else(|| classes::refused(&self.classes, holds, route))
    }

    /// The kinds of data in a call, where it matters.
    pub(super) fn held_in(&self, call: &Call) -> DataClasses {
        if self.classes.is_empty() { DataClasses::EMPTY } else { classes::of_call(call) }
    }
}

/// Plans, by agent.
#[derive(Debug, Default)]
pub(crate) struct Plans(HashMap<Arc<str>, Arc<Plan>>);

impl Plans {
    /// The plan of an agent, to be changed while the gateway is built.
    pub(crate) fn change(&mut self, agent: Arc<str>, change: impl FnOnce(&mut Plan)) {
        let plan = self.0.entry(agent).or_default();
        if let Some(plan) = Arc::get_mut(plan) {
            change(plan);
        }
    }

    /// The plan of an agent, where it has one that says anything.
    pub(crate) fn of(&self, agent: &str) -> Option<&Arc<Plan>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(agent).filter(|plan| !plan.is_idle())
    }
}
