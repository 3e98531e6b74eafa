//! The policy as data: which origins nobody vouches for, and what is left of tools beside them.

use largestack_types::label::{DataClass, DataClasses, Label, Origin, Origins};
use largestack_types::policy::Decision;
use largestack_types::tool::Capability;
use serde::{Deserialize, Serialize};

/// What untrusted text and private data in a run's context leave of its tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Taint {
    /// Origins whose text is untrusted.
    pub untrusted: Origins,
    /// What becomes of a call while there is untrusted text in the context.
    pub on_untrusted: OnUntrusted,
    /// Whether a call all of whose values stand in the user's or the operator's own words is made
    /// all the same, once.
    pub from_user: bool,
    /// Kinds of data that do not leave by themselves.
    pub private: DataClasses,
    /// What becomes of a call that would send or hand them out.
    pub on_private: Decision,
}

/// What becomes of a call while there is untrusted text in the context, by what the tool does.
/// Looking is always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OnUntrusted {
    /// It changes or adds something.
    pub write: Decision,
    /// It removes something.
    pub delete: Decision,
    /// It sends something to somebody.
    pub send: Decision,
    /// It moves money.
    pub pay: Decision,
    /// It runs code or commands.
    pub execute: Decision,
    /// It hands its arguments to a service outside.
    pub egress: Decision,
    /// Nobody has said what it does.
    pub undeclared: Decision,
}

impl Default for OnUntrusted {
    fn default() -> Self {
        let asks = Decision::RequireApproval;
        Self {
            write: asks,
            delete: asks,
            send: asks,
            pay: asks,
            execute: asks,
            egress: Decision::Allow,
            undeclared: Decision::Allow,
        }
    }
}

impl Default for Taint {
    fn default() -> Self {
        use DataClass::{Card, Confidential, Financial, GovernmentId, Health, Secret};
        let untrusted = [Origin::Tool, Origin::Retrieval, Origin::Memory, Origin::Web];
        let private = [Secret, Card, GovernmentId, Financial, Health, Confidential];
        Self {
            untrusted: untrusted.into_iter().collect(),
            on_untrusted: OnUntrusted::default(),
            from_user: false,
            private: private.into_iter().collect(),
            on_private: Decision::Refuse,
        }
    }
}

impl OnUntrusted {
    /// What is said of one thing that tools do.
    pub const fn of(&self, capability: Capability) -> Decision {
        match capability {
            Capability::Read => Decision::Allow,
            Capability::Write => self.write,
            Capability::Delete => self.delete,
            Capability::Send => self.send,
            Capability::Pay => self.pay,
            Capability::Execute => self.execute,
            Capability::Egress => self.egress,
        }
    }
}

impl Taint {
    /// Which of a label's origins nobody vouches for.
    pub fn untrusted_in(&self, label: Label) -> Origins {
        label.origins.iter().filter(|origin| self.untrusted.contains(*origin)).collect()
    }

    /// Which of the classes do not leave by themselves.
    pub fn private_in(&self, classes: DataClasses) -> DataClasses {
        classes.iter().filter(|class| self.private.contains(*class)).collect()
    }
}
