//! What is done about a text that looks like prompt injection: plain data, so that an agent file can
//! say it.
//!
//! By default a flagged message of a user is reported and goes on: people may ask for what sounds
//! like an attack, and one harmless text in a hundred hard ones is flagged. A flagged passage of what
//! nobody vouches for (results of tools, documents, mails) is isolated: the model reads a notice in
//! its place and everything around it, so that a false alarm costs a passage and not the run.

use serde::{Deserialize, Serialize};

use crate::policy::Mode;

/// What is done about a flagged text, in order of strictness.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing: it is not even looked for.
    #[default]
    Allow,
    /// It is reported; the text stays as it is.
    Warn,
    /// The model reads a notice in place of the flagged passage.
    Isolate,
    /// The run ends with `LARGESTACK_GUARDRAIL`.
    Block,
}

impl Action {
    /// Every action, from the mildest to the strictest.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Isolate, Self::Block];

    /// The name as policies and records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Isolate => "isolate",
            Self::Block => "block",
        }
    }
}

/// What is done, by whose words they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// About what somebody asks.
    pub input: Action,
    /// About what nobody vouches for: results of tools, retrieved text, what a caller has kept.
    pub untrusted: Action,
    /// How sure the detector must be, of 100: [`Policy::FITTED`] is where one harmless text in a
    /// hundred hard ones is flagged. From 1 to 99.
    pub threshold: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(Mode::Protect, Said::default())
    }
}

/// What a policy says of its own; `None` is what its mode says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// Of what somebody asks.
    pub input: Option<Action>,
    /// Of what nobody vouches for.
    pub untrusted: Option<Action>,
    /// Of how sure the detector must be.
    pub threshold: Option<u8>,
}

impl Policy {
    /// The threshold that the weights were fitted with.
    pub const FITTED: u8 = 50;

    /// A policy of this mode that says something else where it says something.
    pub fn of(mode: Mode, said: Said) -> Self {
        let (input, untrusted) = match mode {
            Mode::Observe | Mode::Warn => (Action::Warn, Action::Warn),
            Mode::Protect => (Action::Warn, Action::Isolate),
            Mode::Strict => (Action::Block, Action::Isolate),
        };
        let decide = |unless_said: Action, said: Option<Action>| {
            let action = said.unwrap_or(unless_said);
            match mode {
                Mode::Observe => action.min(Action::Warn),
                Mode::Warn | Mode::Protect => action,
                Mode::Strict => action.max(unless_said),
            }
        };
        let threshold = said.threshold.unwrap_or(Self::FITTED).clamp(1, 99);
        Self {
            input: decide(input, said.input),
            untrusted: decide(untrusted, said.untrusted),
            threshold: if mode == Mode::Strict { threshold.min(Self::FITTED) } else { threshold },
        }
    }

    /// The same action whoever says it.
    pub const fn all(action: Action) -> Self {
        Self { input: action, untrusted: action, threshold: Self::FITTED }
    }

    /// Whether nothing is done about anything.
    pub fn is_off(&self) -> bool {
        self.input == Action::Allow && self.untrusted == Action::Allow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_is_never_weaker_than_protect_and_observe_changes_nothing() {
        let actions = || Action::ALL.into_iter().map(Some).chain([None]);
        for input in actions() {
            for untrusted in actions() {
                for threshold in [None, Some(1), Some(50), Some(90)] {
                    let said = Said { input, untrusted, threshold };
                    let [observe, _, protect, strict] =
                        Mode::ALL.map(|mode| Policy::of(mode, said));
                    assert!(strict.input >= protect.input, "{said:?}");
                    assert!(strict.untrusted >= protect.untrusted, "{said:?}");
                    assert!(strict.threshold <= protect.threshold, "{said:?}");
                    assert!(observe.input.max(observe.untrusted) <= Action::Warn, "{said:?}");
                }
            }
        }
    }

    #[test]
    fn an_action_is_written_as_its_name() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
    }
}
