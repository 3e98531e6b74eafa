//! What is done about each kind of finding: plain data, so that an agent file can say it.

use serde::{Deserialize, Serialize};

use crate::finding::Kind;

/// What is done about a finding, in order of strictness.
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
    /// It is replaced by a marker, for good.
    Redact,
    /// It is replaced by a placeholder that the token vault can turn back.
    Tokenise,
    /// The text must not go on. Where it is shown at all, a marker stands for the value.
    Block,
}

impl Action {
    /// The name as policies and records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Redact => "redact",
            Self::Tokenise => "tokenise",
            Self::Block => "block",
        }
    }

    /// Whether the action changes the text.
    pub const fn alters(self) -> bool {
        matches!(self, Self::Redact | Self::Tokenise | Self::Block)
    }
}

/// One action for each kind. The default keeps secrets, cards and government ids from leaving in
/// clear and reports accounts and contact data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Passwords, keys and tokens.
    pub secret: Action,
    /// Payment card numbers.
    pub card: Action,
    /// Numbers by which a state, a health service or a tax office knows somebody.
    pub government_id: Action,
    /// Bank accounts.
    pub account: Action,
    /// E-mail addresses.
    pub email: Action,
    /// Telephone numbers.
    pub phone: Action,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            secret: Action::Tokenise,
            card: Action::Tokenise,
            government_id: Action::Tokenise,
            account: Action::Warn,
            email: Action::Warn,
            phone: Action::Warn,
        }
    }
}

impl Policy {
    /// The same action for every kind.
    pub const fn all(action: Action) -> Self {
        Self {
            secret: action,
            card: action,
            government_id: action,
            account: action,
            email: action,
            phone: action,
        }
    }

    /// What is done about this kind.
    pub const fn action(&self, kind: Kind) -> Action {
        match kind {
            Kind::Secret => self.secret,
            Kind::Card => self.card,
            Kind::GovernmentId => self.government_id,
            Kind::Account => self.account,
            Kind::Email => self.email,
            Kind::Phone => self.phone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_only_what_it_changes_and_refuses_unknown_keys() {
        let policy: Policy = serde_json::from_str(r#"{"email":"redact"}"#).unwrap();
        assert_eq!(policy, Policy { email: Action::Redact, ..Policy::default() });
        let error = serde_json::from_str::<Policy>(r#"{"emails":"redact"}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `emails`"), "{error}");
    }

    #[test]
    fn an_action_is_written_as_its_name() {
        use Action::{Allow, Block, Redact, Tokenise, Warn};
        for action in [Allow, Warn, Redact, Tokenise, Block] {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
    }

    #[test]
    fn the_default_takes_secrets_cards_and_ids_out_and_reports_the_rest() {
        let policy = Policy::default();
        assert!([policy.secret, policy.card, policy.government_id].iter().all(|a| a.alters()));
        let reported = [policy.account, policy.email, policy.phone];
        assert_eq!(reported, [Action::Warn; 3]);
    }
}
