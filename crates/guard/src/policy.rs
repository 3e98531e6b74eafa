//! What is done about each kind of finding: plain data, so that an agent file can say it.
//!
//! A mode says it for all kinds at once, and a policy may say otherwise for some of them, within
//! what the mode allows: nothing is changed under `observe`, and nothing is done less strictly
//! under `strict` than under `protect`, whatever is said.

use serde::{Deserialize, Serialize};

use crate::finding::Kind;
use crate::inject;

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
    /// Every action, from the mildest to the strictest.
    pub const ALL: [Self; 5] = [Self::Allow, Self::Warn, Self::Redact, Self::Tokenise, Self::Block];

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
    /// Addresses of devices, numbers of devices and vehicles.
    pub device: Action,
    /// Dates of birth, names and postal addresses.
    pub person: Action,
    /// Texts that try to give the assistant orders.
    pub injection: inject::Policy,
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(Mode::Protect, |_| None)
    }
}

/// How strict a policy is as a whole.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// What would be acted on is reported, and nothing is changed, whatever a policy says.
    Observe,
    /// Everything is reported; a policy may ask for more.
    Warn,
    /// Secrets, cards and government ids are tokenised, accounts and contact data reported.
    #[default]
    Protect,
    /// Secrets are blocked and everything else is tokenised; a policy may only be stricter.
    Strict,
}

impl Mode {
    /// Every mode, from the mildest to the strictest.
    pub const ALL: [Self; 4] = [Self::Observe, Self::Warn, Self::Protect, Self::Strict];

    /// The name as policies write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Warn => "warn",
            Self::Protect => "protect",
            Self::Strict => "strict",
        }
    }

    /// What is done about a kind of which nothing is said.
    pub const fn unless_said(self, kind: Kind) -> Action {
        match (self, kind) {
            (Self::Observe | Self::Warn, _)
            | (Self::Protect, Kind::Account | Kind::Email | Kind::Phone) => Action::Warn,
            (Self::Protect, Kind::Device | Kind::Person) => Action::Allow,
            (Self::Strict, Kind::Secret) => Action::Block,
            (Self::Protect, Kind::Secret | Kind::Card | Kind::GovernmentId) | (Self::Strict, _) => {
                Action::Tokenise
            }
        }
    }

    /// What is done about a kind of which a policy says this.
    pub fn decide(self, kind: Kind, said: Option<Action>) -> Action {
        let action = said.unwrap_or_else(|| self.unless_said(kind));
        match self {
            Self::Observe => action.min(Action::Warn),
            Self::Warn | Self::Protect => action,
            Self::Strict => action.max(self.unless_said(kind)),
        }
    }
}

impl Policy {
    /// A policy of this mode that says something else about some kinds.
    pub fn of(mode: Mode, said: impl Fn(Kind) -> Option<Action>) -> Self {
        let action = |kind| mode.decide(kind, said(kind));
        Self {
            secret: action(Kind::Secret),
            card: action(Kind::Card),
            government_id: action(Kind::GovernmentId),
            account: action(Kind::Account),
            email: action(Kind::Email),
            phone: action(Kind::Phone),
            device: action(Kind::Device),
            person: action(Kind::Person),
            injection: inject::Policy::of(mode, inject::Said::default()),
        }
    }

    /// The same action for every kind.
    pub const fn all(action: Action) -> Self {
        Self {
            secret: action,
            card: action,
            government_id: action,
            account: action,
            email: action,
            phone: action,
            device: action,
            person: action,
            injection: inject::Policy::all(match action {
                Action::Allow => inject::Action::Allow,
                Action::Warn => inject::Action::Warn,
                Action::Redact | Action::Tokenise => inject::Action::Isolate,
                Action::Block => inject::Action::Block,
            }),
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
            Kind::Device => self.device,
            Kind::Person => self.person,
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

    /// Whatever may be said about a kind.
    fn sayings() -> impl Iterator<Item = Option<Action>> {
        Action::ALL.into_iter().map(Some).chain([None])
    }

    #[test]
    fn strict_is_never_weaker_than_protect_whatever_is_said() {
        for (kind, said) in Kind::ALL.into_iter().flat_map(|k| sayings().map(move |s| (k, s))) {
            let [observe, _, protect, strict] = Mode::ALL.map(|mode| mode.decide(kind, said));
            assert!(strict >= protect, "{kind}: {said:?}");
            assert!(!observe.alters() && observe <= protect.max(Action::Warn), "{kind}: {said:?}");
        }
    }

    #[test]
    fn what_is_said_holds_under_warn_and_protect() {
        for mode in [Mode::Warn, Mode::Protect] {
            for (kind, said) in Kind::ALL.into_iter().zip(Action::ALL.into_iter().cycle()) {
                let policy = Policy::of(mode, |other| (other == kind).then_some(said));
                assert_eq!(policy.action(kind), said);
            }
        }
        assert_eq!(Policy::of(Mode::Warn, |_| None), Policy::all(Action::Warn));
    }
}
