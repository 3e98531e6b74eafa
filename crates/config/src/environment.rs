//! The environment, read in this one place and from one table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use largestack_ports::vault::Sensitive;
use largestack_wire::{Param, Provider, Registry, Section};

use crate::keys::KEYS;
use crate::locate::Platform;
use crate::node::Node;
use crate::origin::Source;
use crate::problem::{Problem, Wrong};
use crate::read::Report;
use crate::spelling::nearest;

/// An environment variable that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name; a part in `<..>` stands for a name of the user's own.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
}

const fn variable(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, meaning, secret: false }
}

/// Every variable that is not a key of a file; those are in [`KEYS`] and named by
/// [`Key::variable`](crate::keys::Key::variable).
pub const ENV: &[Variable] = &[
    variable("LARGESTACK_HOME", "Where state lives that belongs to no project"),
    Variable {
        name: "LARGESTACK_<PROVIDER>_API_KEY",
        meaning: "The key of a provider, before the provider's own variable (such as \
                  OPENAI_API_KEY) and the secret store (`largestack secret set openai`)",
        secret: true,
    },
    variable(
        "NO_COLOR",
        "Set to anything: the command line shows no colours unless `--color always` says otherwise \
         (https://no-color.org)",
    ),
    variable("HOME", "The user's folder, where the platform keeps data below it"),
    variable("XDG_DATA_HOME", "Where the platform keeps data (Linux)"),
    variable("LOCALAPPDATA", "Where the platform keeps data (Windows)"),
];

/// The environment as it was when it was looked at. Values never show in `Debug`.
#[derive(Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, Option<Sensitive>>,
    keys_elsewhere: BTreeSet<String>,
    /// Why nobody knows which keys the secret store has.
    unreadable: Option<String>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.values.len())
            .field("keys_elsewhere", &self.keys_elsewhere)
            .field("unreadable", &self.unreadable)
            .finish()
    }
}

/// A provider's key and the variable that holds it.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The variable.
    pub variable: Arc<str>,
    /// The key.
    pub key: Sensitive,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok().map(Sensitive::new)))
        });
        Self { values: pairs.collect(), ..Self::default() }
    }

    /// An environment with these variables.
    pub fn of<'v>(pairs: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        let pairs = pairs.into_iter();
        let values = pairs.map(|(n, v)| (n.to_owned(), Some(Sensitive::new(v))));
        Self { values: values.collect(), ..Self::default() }
    }

    /// The same, knowing that the secret store has keys of these providers.
    #[must_use]
    pub fn with_keys_elsewhere(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.keys_elsewhere = names.into_iter().collect();
        self
    }

    /// The same, knowing that there is a secret store that does not open, and why.
    #[must_use]
    pub fn with_unreadable_keys(mut self, why: impl Into<String>) -> Self {
        self.unreadable = Some(why.into());
        self
    }

    /// Why the secret store does not open.
    pub(crate) fn unreadable_keys(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// The folder for what belongs to this user and to no project; `None` where no variable says.
    pub fn home(&self) -> Option<PathBuf> {
        Platform::here().home(self).map(|(home, _)| home)
    }

    /// Where a provider has its key from, as a source of settings.
    pub(crate) fn key_source(&self, provider: &Provider) -> Option<Source> {
        let kept = || self.keys_elsewhere.contains(&*provider.name).then_some(Source::SecretStore);
        let variable = self.credential(provider).map(|credential| credential.variable);
        variable.map(Source::Environment).or_else(kept)
    }

    /// The value of a variable, unless it is empty or not Unicode.
    pub(crate) fn get(&self, name: &str) -> Option<&Sensitive> {
        self.values.get(name)?.as_ref().filter(|value| !value.expose().is_empty())
    }

    /// The value of a variable of somebody else's, such as a cloud's credentials.
    pub fn variable(&self, name: &str) -> Option<Sensitive> {
        self.get(name).cloned()
    }

    /// Whether a variable holds a provider's key, by its name: such a value belongs in no text.
    pub(crate) fn is_key(name: &str) -> bool {
        let of_clouds = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET"];
        let mut rows = Registry::builtin().providers();
        name.ends_with("_API_KEY")
            || of_clouds.contains(&name)
            || rows.any(|row| row.key_env.iter().any(|variable| variable == name))
    }

    /// The key of a provider: `LARGESTACK_<NAME>_API_KEY`, else the first variable of its row
    /// that is set.
    pub fn credential(&self, provider: &Provider) -> Option<Credential> {
        let own = own_key_variable(&provider.name);
        let names =
            std::iter::once(own.as_str()).chain(provider.key_env.iter().map(String::as_str));
        names.into_iter().find_map(|name| {
            self.get(name).map(|key| Credential { variable: name.into(), key: key.clone() })
        })
    }

    /// Fills in the words that rows leave open and variables say.
    pub fn fill(&self, registry: &mut Registry) {
        let rows: Vec<_> = registry.providers().cloned().collect();
        for row in rows.iter().filter(|row| !row.params.is_empty()) {
            let said = row.params.iter().filter_map(|(name, param)| {
                let value = param.env.iter().find_map(|variable| self.get(variable))?;
                let value = value.expose();
                // An endpoint is often given as a whole address; the row has its own scheme.
                let value = value.strip_prefix("https://").unwrap_or(value).trim_end_matches('/');
                let value = Some(value.to_owned());
                Some((name.clone(), Param { value, ..Param::default() }))
            });
            let params = Some(said.collect());
            registry.define(row.name.clone(), Section { params, ..Section::default() });
        }
    }

    /// The keys that variables set, as a tree. A `LARGESTACK_` variable that means nothing is
    /// reported.
    pub(crate) fn layer(&self, report: &mut Report) -> Node {
        let mut root = Node::empty(Source::Default);
        for (name, value) in &self.values {
            let Some(path) = name.strip_prefix("LARGESTACK_") else { continue };
            let source = Source::Environment(name.as_str().into());
            if name == "LARGESTACK_HOME" || is_key_variable(path) {
                continue;
            }
            let lower = path.to_ascii_lowercase();
            let levels: Vec<&str> = lower.split("__").collect();
            let Some(spelt) = KEYS.iter().find_map(|key| key.spell(&levels)) else {
                report.problems.push(unknown(name, source));
                continue;
            };
            match value {
                Some(value) if value.expose().is_empty() => {}
                Some(value) => root.insert(&spelt, Node::untyped(value.expose(), source)),
                None => report.wrong(&source, &spelt.join("."), Wrong::value("is not Unicode")),
            }
        }
        root
    }
}

/// `LARGESTACK_<NAME>_API_KEY` of a provider.
pub fn own_key_variable(provider: &str) -> String {
    let name: String = provider
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    format!("LARGESTACK_{name}_API_KEY")
}

fn is_key_variable(path: &str) -> bool {
    path.strip_suffix("_API_KEY").is_some_and(|name| !name.is_empty() && !name.contains("__"))
}

fn unknown(name: &str, source: Source) -> Problem {
    let variables: Vec<String> = KEYS.iter().map(crate::keys::Key::variable).collect();
    let known = variables.iter().map(String::as_str).chain(ENV.iter().map(|v| v.name));
    let advice = nearest(name, known).map_or_else(
        || "LARGESTACK_ variables are named like the keys of the files; unset it".to_owned(),
        |near| format!("Did you mean `{near}`?"),
    );
    let kind = Wrong::Unknown { what: "environment variable", name: name.to_owned(), advice };
    Problem { source, key: name.to_owned(), kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_key_is_its_own_variable_first_and_an_empty_one_is_unset() {
        let openai = largestack_wire::Registry::builtin().provider("openai").unwrap().clone();
        let both = [("OPENAI_API_KEY", "second"), ("LARGESTACK_OPENAI_API_KEY", "first")];
        let found = Environment::of(both).credential(&openai).unwrap();
        assert_eq!((found.key.expose(), &*found.variable), ("first", "LARGESTACK_OPENAI_API_KEY"));
        let empty = [("OPENAI_API_KEY", "second"), ("LARGESTACK_OPENAI_API_KEY", "")];
        assert_eq!(Environment::of(empty).credential(&openai).unwrap().key.expose(), "second");
        assert!(Environment::of([("OPENAI_API_KEY", "")]).credential(&openai).is_none());
    }

    #[test]
    fn a_provider_of_the_users_own_has_a_variable_of_its_name() {
        let mine = Provider::new("my-vendor");
        let environment = Environment::of([("LARGESTACK_MY_VENDOR_API_KEY", "k")]);
        assert_eq!(environment.credential(&mine).unwrap().key.expose(), "k");
    }

    #[test]
    fn nothing_of_the_environment_shows_in_debug() {
        let environment = Environment::of([("OPENAI_API_KEY", "sk-secret")]);
        let openai = largestack_wire::Registry::builtin().provider("openai").unwrap().clone();
        let shown = format!("{environment:?} {:?}", environment.credential(&openai));
        assert!(!shown.contains("sk-secret"), "{shown}");
    }
}
