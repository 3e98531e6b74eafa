//! Whose events runs hear, where events are signed (`signals`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::license::Issuer;
use crate::node::Node;
use crate::problem::Wrong;
use crate::project::Words;
use crate::read::Fields;
use crate::value;

/// How old a signed event may be, unless the file says otherwise.
const DEFAULT_MAX_AGE: Duration = Duration::from_mins(5);

/// Whose signed events are taken, and how old they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signals {
    /// Ed25519 public keys by the names that signed events call them by.
    pub keys: BTreeMap<Arc<str>, [u8; 32]>,
    /// How long ago an event may have been signed.
    pub max_age: Duration,
    /// Whether an event without a signature is refused.
    pub require: bool,
}

impl Default for Signals {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), max_age: DEFAULT_MAX_AGE, require: false }
    }
}

pub(crate) fn read(mut fields: Fields<'_>) -> Signals {
    let keys = fields.optional("keys", keys).map(|words| words.0).unwrap_or_default();
    // What is no key was refused when it was read.
    let keys = keys
        .into_iter()
        .filter_map(|(name, key)| Some((Arc::from(name), *Issuer::parse(&key)?.bytes())));
    let signals = Signals {
        keys: keys.collect(),
        max_age: fields.get("max_age", DEFAULT_MAX_AGE, value::duration).value,
        require: fields.get("require", false, value::boolean).value,
    };
    fields.finish();
    signals
}

fn keys(node: &Node) -> Result<Words, Wrong> {
    let words: Words = value::group(node)?;
    match words.0.iter().find(|(_, key)| Issuer::parse(key).is_none()) {
        None => Ok(words),
        Some((name, _)) => Err(Wrong::Value {
            detail: format!("`{name}` is no Ed25519 public key"),
            advice: Some("`largestack signal --public KEYFILE` prints the line".to_owned()),
        }),
    }
}
