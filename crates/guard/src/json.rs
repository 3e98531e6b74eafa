//! Protecting the values inside a JSON text, and putting them back, without touching anything else.

mod leaves;
mod text;

use std::borrow::Cow;

pub(crate) use leaves::{Leaf, leaves};

use crate::finding::{Finding, Kind};
use crate::layer;
use crate::policy::{Action, Policy};
use crate::rewrite;
use crate::secret;
use crate::session::{Nonce, Session};

/// The JSON text with its leaves protected, and what was found, in bytes of the whole text.
pub(crate) fn protect<'t>(
    json: &'t str,
    leaves: &[Leaf],
    policy: Policy,
    session: &mut Session,
) -> (Cow<'t, str>, Vec<Finding>) {
    let mut findings = Vec::new();
    let text = replace(json, leaves, |leaf, raw, value| {
        let mut found = layer::run(value, policy);
        if let Some(named) = named_secret(json, leaf, value, policy) {
            found.findings = vec![named];
        }
        let edits = rewrite::edits(&found.findings, &found.opaque, policy);
        findings.extend(found.findings.into_iter().map(|mut finding| {
            let place = |at: usize| leaf.span.start + text::raw_offset(raw, at);
            finding.span = place(finding.span.start)..place(finding.span.end);
            finding
        }));
        match rewrite::apply(value, &edits, session) {
            Cow::Borrowed(_) => None,
            Cow::Owned(changed) => Some(changed),
        }
    });
    (text, findings)
}

/// As [`crate::detokenise`] for a JSON text: values come back inside strings, escaped as JSON
/// wants them. What is not JSON is treated as plain text.
pub fn detokenise_json<'t>(
    json: &'t str,
    nonce: &Nonce,
    mut lookup: impl FnMut(&str) -> Option<String>,
) -> Cow<'t, str> {
    let Some(leaves) = leaves(json) else { return rewrite::detokenise(json, nonce, lookup) };
    replace(json, &leaves, |_, _, value| match rewrite::detokenise(value, nonce, &mut lookup) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    })
}

/// Writes the text again with the leaves for which `change` has a new value; it gets the leaf as
/// written and as meant.
fn replace<'t>(
    json: &'t str,
    leaves: &[Leaf],
    mut change: impl FnMut(&Leaf, &str, &str) -> Option<String>,
) -> Cow<'t, str> {
    let mut out = String::new();
    let mut done = 0;
    for leaf in leaves {
        let raw = json.get(leaf.span.clone()).unwrap_or_default();
        let value = if leaf.quoted { text::decode(raw) } else { Cow::Borrowed(raw) };
        if let Some(changed) = change(leaf, raw, &value) {
            out.push_str(json.get(done..leaf.span.start).unwrap_or_default());
            // A number that became text needs quotes.
            let quote = if leaf.quoted { "" } else { "\"" };
            out.push_str(quote);
            text::encode(&changed, &mut out);
            out.push_str(quote);
            done = leaf.span.end;
        }
    }
    if done == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(json.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// The whole value, where its key names a secret and it looks like one.
fn named_secret(json: &str, leaf: &Leaf, value: &str, policy: Policy) -> Option<Finding> {
    let key = json.get(leaf.key.clone()?).filter(|_| leaf.quoted)?;
    let name = secret::secret_name(key)?;
    let wanted = policy.secret != Action::Allow && secret::assigned(value, name);
    wanted.then_some(Finding {
        kind: Kind::Secret,
        span: 0..value.len(),
        score: 70,
        detector: "assigned-secret",
        validated: false,
    })
}

#[cfg(test)]
mod tests;
