//! Who serves models, as data: one row a provider, in `providers.toml` and, with the same
//! schema, in a user's configuration.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::patience::Patience;
use crate::profile::Prefill;
use crate::quirk::{Field, Quirk};

/// How a transport presents the key. The key itself is never here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    #[default]
    Bearer,
    /// The key in a header of this name.
    Header(String),
    /// AWS Signature Version 4 for this service, with the caller's AWS credentials.
    SigV4(String),
    /// The key in the header `api-key`, else an access token of Microsoft Entra.
    Azure,
    /// `Authorization: Bearer TOKEN` with a Google Cloud access token of the default credentials.
    GoogleCloud,
    /// No key is asked for.
    None,
}

/// A word that an address, path or header of a row leaves open as `{name}`: a region, an account,
/// a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Param {
    /// What it is; absent when an installation has to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Environment variables that may hold it, the first that is set wins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// What it is instead where another word is one of these: by the other's name and value. What
    /// it is may leave other words open in turn, as a host does that holds the region's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<String, BTreeMap<String, String>>,
}

/// A provider as a row or a configuration section says it. What is absent stays as it was: in
/// the built-in row of the same name, else as the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Section {
    /// The protocol, e.g. `openai-chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire: Option<String>,
    /// The address that paths are appended to, without a slash at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The path of the request, where it is not the wire's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How the key is presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Environment variables that may hold the key, the first that is set wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<Vec<String>>,
    /// How it differs from the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quirks: Option<Vec<Quirk>>,
    /// Request fields it does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Vec<Field>>,
    /// Beginnings of bare model names that mean this provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Other names that people know it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Vec<String>>,
    /// Words that the address, the path or a header leaves open. Added to those of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<BTreeMap<String, Param>>,
    /// What stands behind the `?` of the address, by name. Never a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<BTreeMap<String, String>>,
    /// Further headers of a request, by name in lower case. Never a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Where what it is told stays (`eu`, `us`, an operator's own words): agents may ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residency: Option<Vec<String>>,
    /// How long it may take, where that is not as usual. Added to what the row says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Patience>,
    /// Whether its models go on from a beginning of their own reply, whatever their family does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill: Option<Prefill>,
    /// The protocol of its embeddings, e.g. `openai`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embed: Option<String>,
    /// The path of a request for embeddings, where it is not the protocol's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embed_path: Option<String>,
    /// The protocol of its reranker, e.g. `cohere`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<String>,
    /// The path of a request to its reranker, where it is not the protocol's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank_path: Option<String>,
}

/// A provider, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The name before the slash of `provider/model`.
    pub name: Arc<str>,
    /// The protocol it speaks; `none` where it only embeds or reranks.
    pub wire: Cow<'static, str>,
    /// The address that paths are appended to; `None` until a configuration names one.
    pub base_url: Option<String>,
    /// The path of the request, where it is not the wire's own.
    pub path: Option<String>,
    /// How the key is presented.
    pub auth: Auth,
    /// Environment variables that may hold the key, the first that is set wins.
    pub key_env: Vec<String>,
    /// How it differs from the protocol.
    pub quirks: Vec<Quirk>,
    /// Request fields it does not have.
    pub lacks: Vec<Field>,
    /// Beginnings of bare model names that mean this provider.
    pub models: Vec<String>,
    /// Other names that people know it by.
    pub also: Vec<String>,
    /// Words that the address, the path or a header leaves open.
    pub params: BTreeMap<String, Param>,
    /// What stands behind the `?` of the address, by name.
    pub query: BTreeMap<String, String>,
    /// Further headers of a request, by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// Where what it is told stays.
    pub residency: Vec<String>,
    /// How long it may take, where that is not as usual.
    pub timeouts: Patience,
    /// Whether its models go on from a beginning of their own reply, whatever their family does.
    pub prefill: Option<Prefill>,
    /// The protocol of its embeddings; `None` when it has none.
    pub embed: Option<String>,
    /// The path of a request for embeddings, where it is not the protocol's own.
    pub embed_path: Option<String>,
    /// The protocol of its reranker; `None` when it has none.
    pub rerank: Option<String>,
    /// The path of a request to its reranker, where it is not the protocol's own.
    pub rerank_path: Option<String>,
}

impl Provider {
    /// A provider of this name that speaks plain `openai-chat` at no address yet.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            wire: Cow::Borrowed("openai-chat"),
            base_url: None,
            path: None,
            auth: Auth::default(),
            key_env: Vec::new(),
            quirks: Vec::new(),
            lacks: Vec::new(),
            models: Vec::new(),
            also: Vec::new(),
            params: BTreeMap::new(),
            query: BTreeMap::new(),
            headers: BTreeMap::new(),
            residency: Vec::new(),
            timeouts: Patience::default(),
            prefill: None,
            embed: None,
            embed_path: None,
            rerank: None,
            rerank_path: None,
        }
    }

    /// The same with everything that the section says.
    #[must_use]
    pub fn with(mut self, section: Section) -> Self {
        let Section { wire, base_url, path, auth, key_env, quirks, lacks, models, .. } = section;
        if let Some(wire) = wire {
            self.wire = Cow::Owned(wire);
        }
        if let Some(url) = base_url {
            self.base_url = Some(url.trim_end_matches('/').to_owned());
        }
        self.path = path.or(self.path);
        self.auth = auth.unwrap_or(self.auth);
        self.key_env = key_env.unwrap_or(self.key_env);
        self.quirks = quirks.unwrap_or(self.quirks);
        self.lacks = lacks.unwrap_or(self.lacks);
        self.models = models.unwrap_or(self.models);
        self.also = section.also.unwrap_or(self.also);
        for (name, param) in section.params.unwrap_or_default() {
            let known = self.params.entry(name).or_default();
            known.value = param.value.or(known.value.take());
            if !param.env.is_empty() {
                known.env = param.env;
            }
            if !param.when.is_empty() {
                known.when = param.when;
            }
        }
        self.query = section.query.unwrap_or(self.query);
        self.headers = section.headers.unwrap_or(self.headers);
        self.residency = section.residency.unwrap_or(self.residency);
        self.timeouts = self.timeouts.with(section.timeouts.unwrap_or_default());
        self.prefill = section.prefill.or(self.prefill);
        self.embed = section.embed.or(self.embed);
        self.embed_path = section.embed_path.or(self.embed_path);
        self.rerank = section.rerank.or(self.rerank);
        self.rerank_path = section.rerank_path.or(self.rerank_path);
        self
    }

    /// Whether it differs in this way.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Whether it lacks this request field.
    pub fn lacks(&self, field: Field) -> bool {
        self.lacks.contains(&field)
    }

    /// The variable an error message names when the key is missing or wrong.
    pub fn key_variable(&self) -> &str {
        self.key_env.first().map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_unknown_key_of_a_section_is_refused() {
        let good: Section = toml::from_str("base-url = \"http://x/v1/\"").unwrap();
        let provider = Provider::new("mine").with(good);
        assert_eq!(provider.base_url.as_deref(), Some("http://x/v1"));
        let error = toml::from_str::<Section>("base_url = \"http://x\"").unwrap_err();
        assert!(error.message().contains("base_url"), "{error}");
        assert!(toml::from_str::<Section>("quirks = [\"speaks-latin\"]").is_err());
    }

    #[test]
    fn a_section_changes_only_what_it_names() {
        let row = Section {
            key_env: Some(vec!["KEY".into()]),
            quirks: Some(vec![Quirk::DeveloperRole]),
            ..Section::default()
        };
        let provider = Provider::new("mine").with(row);
        let timed = |text| provider.clone().with(toml::from_str(text).unwrap()).timeouts;
        assert_eq!(timed("timeouts = { idle = \"90s\" }").idle, Some(Duration::from_secs(90)));
        assert!(toml::from_str::<Section>("timeouts = { idle = 90 }").is_err());
        let changed = provider
            .clone()
            .with(Section { auth: Some(Auth::Header("api-key".into())), ..Section::default() });
        assert_eq!(changed.quirks, provider.quirks);
        assert_eq!(changed.key_variable(), "KEY");
        assert_eq!(changed.auth, Auth::Header("api-key".into()));
    }

    #[test]
    fn auth_is_written_as_people_write_it() {
        let of = |text: &str| toml::from_str::<Section>(text).unwrap().auth.unwrap();
        assert_eq!(of("auth = \"none\""), Auth::None);
        assert_eq!(of("auth = \"bearer\""), Auth::Bearer);
        assert_eq!(of("auth = { header = \"api-key\" }"), Auth::Header("api-key".into()));
    }
}
