//! What differs from an agent's definition in one run only. It is in the run's first event, so that
//! whoever folds the journal later knows it.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::call::Settings;
use largestack_types::message::Message;
use largestack_types::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::definition::Definition;

/// Changes for one run. Absent means as the definition says; an unknown field is refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adjusted {
    /// Further instructions, behind the definition's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Arc<Message>>,
    /// Another model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// Settings that take the place of the definition's, one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// The budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Money>,
    /// Turns in which tools may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// Tool calls of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u32>,
    /// Active time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_clock: Option<Duration>,
}

impl Adjusted {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Both, where the other one's word counts.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let settings = match (&self.settings, &other.settings) {
            // Field by field, as everywhere; settings that do not fit together are found when applied.
            (Some(one), Some(two)) => over(one, two).ok(),
            (one, two) => two.clone().or_else(|| one.clone()),
        };
        Self {
            instructions: other.instructions.clone().or(self.instructions),
            model: other.model.clone().or(self.model),
            settings,
            budget: other.budget.or(self.budget),
            max_turns: other.max_turns.or(self.max_turns),
            max_tool_calls: other.max_tool_calls.or(self.max_tool_calls),
            wall_clock: other.wall_clock.or(self.wall_clock),
        }
    }

    /// The definition as it holds in this run. The shape of the answer stays the definition's.
    pub fn apply(&self, definition: &Definition) -> Result<Definition, serde_json::Error> {
        let mut own = definition.clone();
        if let Some(model) = &self.model {
            own.model = Arc::clone(model);
        }
        if let Some(settings) = &self.settings {
            own.settings = Arc::new(over(&definition.settings, settings)?);
        }
        own.limits.budget = self.budget.or(own.limits.budget);
        own.limits.max_turns = self.max_turns.unwrap_or(own.limits.max_turns);
        own.limits.max_tool_calls = self.max_tool_calls.or(own.limits.max_tool_calls);
        own.limits.wall_clock = self.wall_clock.or(own.limits.wall_clock);
        Ok(own)
    }
}

/// The settings with those that are said in the place of what was. Field by field as they are
/// written, so that a field which is added later needs no line here.
fn over(settings: &Settings, changes: &Settings) -> Result<Settings, serde_json::Error> {
    let fields = |settings: &Settings| -> Result<Map<String, Value>, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(settings)?)
    };
    let mut all = fields(settings)?;
    let mut new = fields(changes)?;
    new.shift_remove("output_schema");
    all.extend(new);
    serde_json::from_value(Value::Object(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_takes_the_place_of_what_was_and_the_rest_stays() {
        let settings = Settings { temperature: Some(0.5), seed: Some(1), ..Settings::default() };
        let mut definition = Definition::new("a", "Help.", "one/model");
        definition.settings = Arc::new(settings);
        let adjusted = Adjusted {
            model: Some("other/model".into()),
            settings: Some(Settings { temperature: Some(0.1), ..Settings::default() }),
            max_turns: Some(2),
            ..Adjusted::default()
        };
        let own = adjusted.apply(&definition).unwrap();
        assert_eq!((own.settings.temperature, own.settings.seed), (Some(0.1), Some(1)));
        assert_eq!((&*own.model, own.limits.max_turns), ("other/model", 2));
        assert_eq!(own.limits.budget, definition.limits.budget);
        assert_eq!(Adjusted::default().apply(&definition).unwrap(), definition);
        assert!(Adjusted::default().is_empty() && !adjusted.is_empty());
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let error = serde_json::from_str::<Adjusted>(r#"{"max_turn": 1}"#).unwrap_err();
        assert!(error.to_string().contains("max_turn"), "{error}");
    }
}
