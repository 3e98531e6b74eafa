//! The short way: seeing at a look that a JSON text holds nothing.

use super::{Leaf, context, leaves, text};
use crate::digits::most_digits;
use crate::fold::folds;
use crate::layer::{Family, Step};
use crate::policy::Policy;
use crate::view::View;
use crate::{person, secret};

/// Whether nothing at all is found in a JSON text, whichever way it is cut into its values. `false`
/// says nothing.
///
/// Most families see in the text as it stands at least what a value alone would show them. Those
/// that the words around a value may also keep from finding it look at each value as it is judged.
pub(crate) fn is_clean(json: &str, policy: Policy) -> bool {
    if !json.is_ascii() && folds(json) {
        return false;
    }
    let view = View::new(json.as_bytes(), 0, true);
    // A backslash may hide anything.
    if memchr::memchr(b'\\', view.bytes).is_some() {
        return false;
    }
    let digits = most_digits(view.bytes);
    let families = || Family::of_policy(policy).filter(|family| family.fewest_digits() <= digits);
    let whole = |family: Family| match family {
        Family::Secret => secret::nowhere(&view),
        Family::Person => person::nowhere(&view),
        _ => family.listens() || is_clear(family, &view),
    };
    if !families().all(whole) {
        return false;
    }
    let listening: Vec<Family> = families().filter(|family| family.listens()).collect();
    match leaves(json) {
        Some(leaves) => {
            let mut key = Key::default();
            leaves.iter().all(|leaf| key.is_clean(json, leaf, policy, &listening))
        }
        None => listening.into_iter().all(|family| is_clear(family, &view)),
    }
}

fn is_clear(family: Family, view: &View<'_>) -> bool {
    matches!(family.next(view, 0), Step::Clear)
}

/// The words of the last key.
#[derive(Default)]
pub(super) struct Key {
    last: Option<std::ops::Range<usize>>,
    words: Option<String>,
}

impl Key {
    /// What stands before a value, if its key tells what it is. The items of a list have one key,
    /// which is read once.
    pub(super) fn words(&mut self, json: &str, leaf: &Leaf) -> Option<&str> {
        if self.last != leaf.key {
            let key = leaf.key.clone().and_then(|key| json.get(key));
            self.words = key.and_then(|key| context::of_key(&text::decode(key)));
            self.last.clone_from(&leaf.key);
        }
        self.words.as_deref()
    }

    fn is_clean(&mut self, json: &str, leaf: &Leaf, policy: Policy, families: &[Family]) -> bool {
        let value = json.get(leaf.span.clone()).unwrap_or_default();
        if let Some(words) = self.words(json, leaf) {
            let found = context::run(Some(words), value, policy);
            return found.findings.is_empty() && found.opaque.is_empty();
        }
        let digits = most_digits(value.as_bytes());
        let mut families = families.iter().filter(|family| family.fewest_digits() <= digits);
        families.all(|family| is_clear(*family, &View::new(value.as_bytes(), 0, true)))
    }
}
