//! What the command line sets.

use crate::keys::KEYS;
use crate::node::Node;
use crate::origin::Source;
use crate::problem::{Wrong, known_words};
use crate::read::Report;
use crate::spelling::nearest;

/// Keys set by flags, the strongest of all.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<(String, String, String)>);

impl Flags {
    /// No flags.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key, e.g. `limits.max_turns`, by a flag, e.g. `--max-turns`, to a text.
    #[must_use]
    pub fn set(
        mut self,
        key: impl Into<String>,
        flag: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        self.0.push((key.into(), flag.into(), text.into()));
        self
    }

    pub(crate) fn layer(&self, report: &mut Report) -> Node {
        let mut root = Node::empty(Source::Default);
        for (key, flag, text) in &self.0 {
            let source = Source::Flag(flag.as_str().into());
            let levels: Vec<&str> = key.split('.').collect();
            if let Some(spelt) = KEYS.iter().find_map(|known| known.spell(&levels)) {
                root.insert(&spelt, Node::untyped(text.as_str(), source));
                continue;
            }
            let known = KEYS.iter().map(|key| key.path);
            let advice = nearest(key, known.clone())
                .map_or_else(|| known_words(known), |near| format!("Did you mean `{near}`?"));
            let kind = Wrong::Unknown { what: "key", name: key.clone(), advice };
            report.wrong(&source, key, kind);
        }
        root
    }
}
