//! What the program offers, so that a name in a file can be checked where it stands.

use std::path::Path;
use std::sync::Arc;

use largestack_wire::Registry;

use crate::environment::Environment;
use crate::node::Node;
use crate::problem::Wrong;
use crate::routing::Pools;
use crate::value;

/// Tools and models that exist beside those of providers.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'o> {
    /// The built-in tools, by name.
    pub tools: &'o [&'o str],
    /// The built-in tool that searches an agent's documents.
    pub knowledge_tool: &'o str,
    /// Models of the program's own, e.g. `offline/extractive`.
    pub models: &'o [&'o str],
    /// The model where nobody names one and no provider has a key.
    pub offline_model: &'o str,
}

/// The same with the providers of an installation.
pub(crate) struct Catalogue<'o> {
    pub(crate) offer: &'o Offer<'o>,
    pub(crate) knowledge_tool: &'o str,
    pub(crate) providers: &'o Registry,
    pub(crate) pools: &'o Pools,
    pub(crate) working_folder: &'o Path,
    pub(crate) environment: &'o Environment,
}

impl Catalogue<'_> {
    pub(crate) fn check_tool(&self, name: &str) -> Result<(), Wrong> {
        if self.offer.tools.contains(&name) {
            Ok(())
        } else {
            Err(Wrong::unknown_name("tool", name, self.offer.tools.iter().copied()))
        }
    }

    /// A model that puts documents in order.
    pub(crate) fn reranker(&self, node: &Node) -> Result<Arc<str>, Wrong> {
        let name = value::some_text(node)?;
        self.check_model(&name)?;
        match self.providers.resolve(&name) {
            Ok(target) if target.rerank_wire().is_ok() => Ok(name),
            _ => Err(Wrong::Value {
                detail: format!("`{name}` puts no documents in order"),
                advice: Some("Name a reranker, e.g. cohere/rerank-v3.5".to_owned()),
            }),
        }
    }

    pub(crate) fn check_model(&self, name: &str) -> Result<(), Wrong> {
        if self.offer.models.contains(&name) {
            return Ok(());
        }
        if let Some(pool) = name.strip_prefix("pool/") {
            let known = self.pools.contains_key(pool);
            let names = self.pools.keys().map(|name| &**name);
            return if known { Ok(()) } else { Err(Wrong::unknown_name("pool", pool, names)) };
        }
        let Err(unknown) = self.providers.resolve(name) else { return Ok(()) };
        let own = crate::spelling::nearest(name, self.offer.models.iter().copied());
        let advice = match unknown.nearest.or_else(|| own.map(str::to_owned)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Write models as provider/model, e.g. openai/gpt-4o-mini".to_owned(),
        };
        let detail = format!("no provider knows the model `{name}`");
        Err(Wrong::Value { detail, advice: Some(advice) })
    }
}
