//! The guard: a policy and what it makes of a text.

use std::borrow::Cow;

use crate::finding::Finding;
use crate::json;
use crate::layer;
use crate::policy::{Action, Policy};
use crate::rewrite;
use crate::session::Session;
use crate::stream::Holdback;

/// Scans and protects text as its policy says. Cheap to copy and to share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    policy: Policy,
}

/// What was found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// In order of position, without overlaps.
    pub findings: Vec<Finding>,
    /// The strictest action of all findings; [`Action::Allow`] without any.
    pub action: Action,
}

/// A text with what the policy takes out taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected<'t> {
    /// The text that may go on, unless the action is [`Action::Block`]. Borrowed if it is unchanged.
    pub text: Cow<'t, str>,
    /// What was found. Spans are bytes of the original text.
    pub findings: Vec<Finding>,
    /// The strictest action of all findings; [`Action::Allow`] without any.
    pub action: Action,
}

impl Guard {
    /// A guard with this policy.
    pub const fn new(policy: Policy) -> Self {
        Self { policy }
    }

    /// The policy.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Finds what the policy names, and leaves the text alone.
    pub fn scan(&self, text: &str) -> Scan {
        let findings = layer::run(text, self.policy).findings;
        let action = self.strictest(&findings);
        Scan { findings, action }
    }

    /// Whether nothing at all stands in a text that [`Guard::protect`] would find or escape: then no
    /// session is needed to pass it on as it is.
    pub fn is_clean(&self, text: &str) -> bool {
        let found = layer::run(text, self.policy);
        found.findings.is_empty() && found.opaque.is_empty()
    }

    /// The same for a JSON text and [`Guard::protect_json`]; `false` says nothing.
    pub fn is_clean_json(&self, text: &str) -> bool {
        json::is_clean(text, self.policy)
    }

    /// Takes out of a text what the policy says, and escapes what looks like a placeholder, unless
    /// the session made it: a model repeats those.
    pub fn protect<'t>(&self, text: &'t str, session: &mut Session) -> Protected<'t> {
        self.protect_with(text, session, |edits| edits)
    }

    /// As [`Guard::protect`] for what somebody outside has written: whatever looks like a placeholder
    /// there is escaped, also one that the session made. Who names one does not get its value by that.
    pub fn protect_from_outside<'t>(&self, text: &'t str, session: &mut Session) -> Protected<'t> {
        self.protect_with(text, session, rewrite::disowned)
    }

    fn protect_with<'t>(
        self,
        text: &'t str,
        session: &mut Session,
        revise: rewrite::Revise,
    ) -> Protected<'t> {
        let found = layer::run(text, self.policy);
        let edits = revise(rewrite::edits(&found.findings, &found.opaque, self.policy));
        let text = rewrite::apply(text, &edits, session);
        let action = self.strictest(&found.findings);
        Protected { text, findings: found.findings, action }
    }

    /// As [`Guard::protect`] for a JSON text: the strings and numbers in it are protected one by
    /// one, keys and everything else stay byte for byte, and the result is JSON again. A value
    /// whose key names a secret (`"password"`) is judged by that name, and one whose key tells what
    /// it is (`"phone"`, `"dateOfBirth"`) as if the key stood before it in a sentence. What is not
    /// JSON is protected as plain text.
    pub fn protect_json<'t>(&self, text: &'t str, session: &mut Session) -> Protected<'t> {
        self.protect_json_with(text, session, |edits| edits)
    }

    /// As [`Guard::protect_from_outside`] for a JSON text.
    pub fn protect_json_from_outside<'t>(
        &self,
        text: &'t str,
        session: &mut Session,
    ) -> Protected<'t> {
        self.protect_json_with(text, session, rewrite::disowned)
    }

    fn protect_json_with<'t>(
        self,
        text: &'t str,
        session: &mut Session,
        revise: rewrite::Revise,
    ) -> Protected<'t> {
        if json::is_clean(text, self.policy) {
            let text = Cow::Borrowed(text);
            return Protected { text, findings: Vec::new(), action: Action::Allow };
        }
        match json::leaves(text) {
            Some(leaves) => {
                let (text, findings) = json::protect(text, &leaves, (self.policy, revise), session);
                let action = self.strictest(&findings);
                Protected { text, findings, action }
            }
            None => self.protect_with(text, session, revise),
        }
    }

    /// A filter for text that arrives in pieces.
    pub fn stream(&self) -> Holdback {
        Holdback::new(self.policy)
    }

    fn strictest(self, findings: &[Finding]) -> Action {
        findings.iter().map(|f| self.policy.action(f.kind)).max().unwrap_or_default()
    }
}
