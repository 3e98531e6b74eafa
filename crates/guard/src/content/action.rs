//! What is done about a text by an operator's own guards, from the mildest to the strictest.

use serde::{Deserialize, Serialize};

use crate::policy::Mode;

/// What a rule does with a text in which it finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    /// It is recorded.
    Warn,
    /// What was found is replaced by `[NAME removed]`.
    Redact,
    /// The text goes no further.
    Block,
}

impl RuleAction {
    /// The name as policies and records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }

    /// What is left of it in a mode.
    #[must_use]
    pub const fn under(self, mode: Mode) -> Self {
        if matches!(mode, Mode::Observe) { Self::Warn } else { self }
    }
}

/// What is done about a text as a whole, of which nothing can be taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WholeAction {
    /// It is recorded.
    Warn,
    /// It goes no further.
    #[default]
    Block,
}

impl WholeAction {
    /// The name as policies and records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Block => "block",
        }
    }

    /// What is left of it in a mode.
    #[must_use]
    pub const fn under(self, mode: Mode) -> Self {
        if matches!(mode, Mode::Observe) { Self::Warn } else { self }
    }
}

/// What is done about what a model may not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputAction {
    /// It is recorded.
    Warn,
    /// It is taken out.
    #[default]
    Redact,
}

impl OutputAction {
    /// The name as policies and records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Redact => "redact",
        }
    }

    /// What is left of it in a mode.
    #[must_use]
    pub const fn under(self, mode: Mode) -> Self {
        if matches!(mode, Mode::Observe) { Self::Warn } else { self }
    }
}

/// What is done when somebody says that they mean to harm themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfHarmAction {
    /// Nothing: it is not looked for.
    #[default]
    Allow,
    /// It is recorded.
    Warn,
    /// They are told where help is, in the place of what the model would say.
    Help,
}

impl SelfHarmAction {
    /// The name as policies and records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Help => "help",
        }
    }

    /// What is left of it in a mode.
    #[must_use]
    pub const fn under(self, mode: Mode) -> Self {
        if matches!((mode, self), (Mode::Observe, Self::Help)) { Self::Warn } else { self }
    }
}
