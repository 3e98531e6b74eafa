//! Protecting the values inside a JSON text, and putting them back, without touching anything else.

mod clean;
mod context;
mod leaves;
mod text;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use clean::is_clean;
pub(crate) use leaves::{Leaf, leaves};

use crate::finding::{Finding, Kind};
use crate::policy::{Action, Policy};
use crate::rewrite;
use crate::secret;
use crate::session::{Nonce, Session};

/// The longest key that is judged as a name, bytes: what is longer is no name.
const LONGEST_KEY: usize = 256;

/// The JSON text with its leaves protected, and what was found, in bytes of the whole text. What is
/// made of each leaf's edits is what changes.
pub(crate) fn protect<'t>(
    json: &'t str,
    leaves: &[Leaf],
    (policy, revise): (Policy, rewrite::Revise),
    session: &mut Session,
) -> (Cow<'t, str>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut names = Names::default();
    let mut key = clean::Key::default();
    let text = replace(json, leaves, |leaf, raw, value| {
        let mut found = context::run(key.words(json, leaf), value, policy);
        if let Some(named) = names.secret(json, leaf, value, policy) {
            found.findings = vec![named];
            // The whole value goes: what looks like a placeholder inside goes with it.
            found.opaque.clear();
        }
        let edits = revise(rewrite::edits(&found.findings, &found.opaque, policy));
        let mut places = text::Places::of(raw);
        findings.extend(found.findings.into_iter().map(|mut finding| {
            let mut place = |at: usize| leaf.span.start + places.written(at);
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

/// What the keys say about their values. The items of a list have one key, which is judged once.
#[derive(Default)]
struct Names {
    last: Option<(Range<usize>, Option<secret::Name>)>,
    /// Bytes of keys judged: what the law of linear work counts.
    #[cfg(test)]
    judged: usize,
}

impl Names {
    /// The whole value, where its key names a secret and it looks like one.
    fn secret(&mut self, json: &str, leaf: &Leaf, value: &str, policy: Policy) -> Option<Finding> {
        if !leaf.quoted || policy.secret == Action::Allow {
            return None;
        }
        let name = self.name(json, leaf.key.as_ref()?)?;
        secret::assigned(value, name).then_some(Finding {
            kind: Kind::Secret,
            span: 0..value.len(),
            score: 70,
            detector: "assigned-secret",
            validated: false,
        })
    }

    fn name(&mut self, json: &str, key: &Range<usize>) -> Option<secret::Name> {
        if let Some((last, name)) = &self.last
            && last == key
        {
            return *name;
        }
        let text = json.get(key.clone()).filter(|text| text.len() <= LONGEST_KEY);
        #[cfg(test)]
        {
            self.judged += text.map_or(0, str::len);
        }
        let name = text.and_then(secret::secret_name);
        self.last = Some((key.clone(), name));
        name
    }
}

#[cfg(test)]
mod tests;
