//! From a model's name to who serves it: `provider/model`, or a bare name whose beginning tells.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::error::{EncodeError, ModelUnknown};
use crate::profile::{Profile, Profiles};
use crate::provider::{Provider, Section};
use crate::wire::Wire;

/// The `wire` of a row that only embeds or reranks.
const NO_WIRE: &str = "none";

/// A model at a provider: everything an encoder needs to know of where a call goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Who serves it.
    pub provider: Arc<Provider>,
    /// Its name there, as it goes into the request.
    pub model: Arc<str>,
    /// What it can do.
    pub profile: Profile,
}

impl Target {
    /// A model of a provider, with the profile its name suggests.
    pub fn new(provider: Arc<Provider>, model: impl Into<Arc<str>>) -> Self {
        let model = model.into();
        let mut profile = Profiles::builtin().of(&model);
        profile.prefill = provider.prefill.unwrap_or(profile.prefill);
        Self { provider, model, profile }
    }

    /// The protocol it is spoken to in.
    pub fn wire(&self) -> Result<&'static dyn Wire, EncodeError> {
        if self.provider.wire == NO_WIRE {
            return Err(self.without("conversations"));
        }
        crate::wire::wire(&self.provider.wire).ok_or_else(|| EncodeError::NoSuchWire {
            provider: self.provider.name.clone(),
            wire: self.provider.wire.clone().into_owned(),
        })
    }

    /// `provider/model`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.name, self.model)
    }
}

/// The providers of an installation: the built-in rows and what a configuration adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    providers: BTreeMap<Arc<str>, Arc<Provider>>,
    /// A user's own names for models.
    aliases: BTreeMap<Arc<str>, Arc<str>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::builtin().clone()
    }
}

impl Registry {
    /// The rows that come with the crate.
    pub fn builtin() -> &'static Self {
        static TABLE: LazyLock<Registry> = LazyLock::new(|| {
            let rows: BTreeMap<Arc<str>, Section> =
                crate::table::embedded(include_str!("providers.toml"));
            let mut registry = Registry { providers: BTreeMap::new(), aliases: BTreeMap::new() };
            for (name, section) in rows {
                registry.define(name, section);
            }
            registry
        });
        &TABLE
    }

    /// Adds a provider, or changes the one of that name in what the section says.
    pub fn define(&mut self, name: impl Into<Arc<str>>, section: Section) {
        let name = name.into();
        let row = self
            .providers
            .get(&name)
            .map_or_else(|| Provider::new(name.clone()), |row| Provider::clone(row));
        self.providers.insert(name, Arc::new(row.with(section)));
    }

    /// Gives a model another name. A name that stands for another such name is not followed.
    pub fn alias(&mut self, name: impl Into<Arc<str>>, model: impl Into<Arc<str>>) {
        self.aliases.insert(name.into(), model.into());
    }

    /// The user's own names for models, and what they stand for.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.aliases.iter().map(|(name, model)| (&**name, &**model))
    }

    /// The provider of this name, or of one of its other names.
    pub fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.get(name).or_else(|| {
            self.providers.values().find(|row| row.also.iter().any(|also| also == name))
        })
    }

    /// All providers, by name.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// Who serves `provider/model`, or a bare model name by the longest beginning that a provider
    /// claims.
    pub fn resolve(&self, name: &str) -> Result<Target, ModelUnknown> {
        let name = self.aliases.get(name).map_or(name, |model| &**model);
        let found = match name.split_once('/') {
            Some((provider, model)) => self.provider(provider).map(|row| (row, model)),
            None => self.claimant(name).map(|row| (row, name)),
        };
        found
            .filter(|(_, model)| !model.trim().is_empty())
            .map(|(provider, model)| Target::new(provider.clone(), model))
            .ok_or_else(|| ModelUnknown { model: name.to_owned(), nearest: self.nearest(name) })
    }

    fn claimant(&self, model: &str) -> Option<&Arc<Provider>> {
        let claims = self.providers.values().filter_map(|row| {
            let prefixes = row.models.iter().filter(|prefix| model.starts_with(prefix.as_str()));
            prefixes.map(String::len).max().map(|length| (length, row))
        });
        claims.max_by_key(|(length, _)| *length).map(|(_, row)| row)
    }

    /// The nearest name that would resolve: a provider for the part before the slash, else a known
    /// model. `None` when nothing is near.
    fn nearest(&self, name: &str) -> Option<String> {
        if let Some((provider, model)) = name.split_once('/').filter(|(_, m)| !m.trim().is_empty())
        {
            let also = self.providers.values().flat_map(|row| row.also.iter().map(String::as_str));
            let names = self.providers.keys().map(|name| &**name).chain(also);
            return closest(provider, names).map(|near| format!("{near}/{model}"));
        }
        if let Some(alias) = closest(name, self.aliases.keys().map(|name| &**name)) {
            return Some(alias.to_owned());
        }
        // A name that ends in a mark is the beginning of many and no model's own.
        let models = Profiles::builtin()
            .names()
            .filter(|model| !model.ends_with(['-', '.']) && self.claimant(model).is_some());
        let near = closest(name.trim_end_matches('/'), models)?;
        self.claimant(near).map(|row| format!("{}/{near}", row.name))
    }
}

/// Who serves a model, by the built-in rows alone.
pub fn resolve(name: &str) -> Result<Target, ModelUnknown> {
    Registry::builtin().resolve(name)
}

/// The candidate with the fewest edits, if these are at most a third of the name's length.
fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.len() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (edits(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (y, above) in b.chars().zip(row.iter().skip(1)) {
            let cost = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = *above;
            left = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_and_models_have_the_other_names_that_people_give_them() {
        let mut registry = Registry::builtin().clone();
        registry.alias("fast", "groq/llama-3.3-70b-versatile");
        registry.alias("loop", "fast");
        assert_eq!(registry.resolve("fast").unwrap().name(), "groq/llama-3.3-70b-versatile");
        assert_eq!(registry.resolve("grok/grok-4").unwrap().name(), "xai/grok-4");
        assert!(registry.resolve("loop").is_err(), "an alias of an alias is not followed");
        assert_eq!(registry.resolve("fas").unwrap_err().nearest.as_deref(), Some("fast"));
    }

    #[test]
    fn a_name_with_a_slash_names_its_provider_and_the_rest_is_the_model() {
        let target = resolve("openrouter/anthropic/claude-sonnet-4.5").unwrap();
        assert_eq!(&*target.provider.name, "openrouter");
        assert_eq!(&*target.model, "anthropic/claude-sonnet-4.5");
        assert_eq!(target.name(), "openrouter/anthropic/claude-sonnet-4.5");
    }

    #[test]
    fn bare_names_go_to_the_provider_that_claims_the_longest_beginning() {
        for (name, provider) in [
            ("gpt-4o-mini", "openai"),
            ("o4-mini", "openai"),
            ("o3", "openai"),
            ("chatgpt-4o-latest", "openai"),
            ("deepseek-chat", "deepseek"),
            ("codestral-latest", "mistral"),
            ("sonar-pro", "perplexity"),
            ("grok-4", "xai"),
        ] {
            assert_eq!(&*resolve(name).unwrap().provider.name, provider, "{name}");
        }
        let mut registry = Registry::default();
        let models = Some(vec!["gpt-oss".to_owned()]);
        registry.define("mine", Section { models, ..Section::default() });
        assert_eq!(&*registry.resolve("gpt-oss-20b").unwrap().provider.name, "mine");
        assert_eq!(&*registry.resolve("gpt-4o").unwrap().provider.name, "openai");
    }

    #[test]
    fn an_unknown_model_is_an_error_with_the_nearest_name() {
        let nearest = |name: &str| resolve(name).unwrap_err().nearest;
        assert_eq!(nearest("opnai/gpt-4o").as_deref(), Some("openai/gpt-4o"));
        assert_eq!(nearest("gpt4o-mini").as_deref(), Some("openai/gpt-4o-mini"));
        assert_eq!(nearest("something-else-entirely"), None);
        for nothing in ["", "/", "openai/", "openai", "/gpt-4o", "auto"] {
            assert!(resolve(nothing).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn every_row_speaks_a_wire_that_exists_and_differs_from_it_in_at_most_three_ways() {
        for row in Registry::builtin().providers() {
            let target = Target::new(row.clone(), "m");
            assert_eq!(target.wire().is_ok(), row.wire != NO_WIRE, "{}", row.name);
            assert!(row.embed.is_none() || target.embed_wire().is_ok(), "{}", row.name);
            assert!(row.rerank.is_none() || target.rerank_wire().is_ok(), "{}", row.name);
            assert!(row.wire != NO_WIRE || row.embed.is_some() || row.rerank.is_some());
            assert!(row.quirks.len() <= 3, "{}", row.name);
            assert!(!row.key_env.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn every_provider_that_is_promised_has_a_row() {
        let named = "openai openai_responses anthropic google vertex azure bedrock cohere ollama \
                     ollama_openai local openai_compatible deepseek groq mistral together \
                     fireworks perplexity cerebras sambanova openrouter xai ai21 nvidia cloudflare \
                     databricks replicate huggingface zai moonshot litellm voyage jina";
        for name in named.split_whitespace() {
            assert!(Registry::builtin().provider(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_row_that_speaks_no_wire_is_an_error_that_lists_them() {
        let mut registry = Registry::default();
        let wire = Some("telegraph".to_owned());
        registry.define("mine", Section { wire, ..Section::default() });
        let error = registry.resolve("mine/m").unwrap().wire().unwrap_err();
        let shown = largestack_types::errors::LargestackError::from(error).to_string();
        assert!(shown.contains("telegraph") && shown.contains("openai-chat"), "{shown}");
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("same", "same"), 0);
    }
}
