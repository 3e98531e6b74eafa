//! Keys: which provider has one, and what a person has to set when it has none. Looked up at
//! every request, so that a rotated key needs no restart.

use std::collections::HashMap;
use std::fmt;

use largestack_ports::vault::Sensitive;
use largestack_types::errors::Result;

/// Where keys come from.
pub trait Credentials: Send + Sync + 'static {
    /// The key of a provider, by the name of its row; `None` when none is configured. An error says
    /// that nobody can know, and no request is made.
    fn key(&self, provider: &str) -> Result<Option<Sensitive>>;

    /// The environment variable that an error names when the key is missing.
    fn variable(&self, provider: &str) -> String {
        default_variable(provider)
    }
}

fn default_variable(provider: &str) -> String {
    let word = provider.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    format!("LARGESTACK_{}_API_KEY", word.collect::<String>().to_ascii_uppercase())
}

impl<F: Fn(&str) -> Option<Sensitive> + Send + Sync + 'static> Credentials for F {
    fn key(&self, provider: &str) -> Result<Option<Sensitive>> {
        Ok(self(provider))
    }
}

/// Keys that are known beforehand.
#[derive(Clone, Default)]
pub struct Keys {
    keys: HashMap<String, Sensitive>,
    variables: HashMap<String, String>,
}

impl Keys {
    /// The same with a key for a provider.
    #[must_use]
    pub fn with(mut self, provider: impl Into<String>, key: Sensitive) -> Self {
        self.keys.insert(provider.into(), key);
        self
    }

    /// The same with the variable to name when the provider's key is missing.
    #[must_use]
    pub fn variable_of(mut self, provider: impl Into<String>, variable: impl Into<String>) -> Self {
        self.variables.insert(provider.into(), variable.into());
        self
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut providers: Vec<_> = self.keys.keys().collect();
        providers.sort();
        f.debug_struct("Keys").field("providers", &providers).finish_non_exhaustive()
    }
}

impl Credentials for Keys {
    fn key(&self, provider: &str) -> Result<Option<Sensitive>> {
        Ok(self.keys.get(provider).cloned())
    }

    fn variable(&self, provider: &str) -> String {
        self.variables.get(provider).cloned().unwrap_or_else(|| default_variable(provider))
    }
}

/// Credentials that tell somebody each key that they hand out, e.g. whoever must never write it.
pub struct Overheard<C, F> {
    credentials: C,
    tell: F,
}

impl<C, F> Overheard<C, F> {
    /// These credentials, and who is told.
    pub const fn new(credentials: C, tell: F) -> Self {
        Self { credentials, tell }
    }
}

impl<C, F> Credentials for Overheard<C, F>
where
    C: Credentials,
    F: Fn(&Sensitive) + Send + Sync + 'static,
{
    fn key(&self, provider: &str) -> Result<Option<Sensitive>> {
        let key = self.credentials.key(provider)?;
        key.iter().for_each(&self.tell);
        Ok(key)
    }

    fn variable(&self, provider: &str) -> String {
        self.credentials.variable(provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_has_a_variable_to_name() {
        let keys = Keys::default().variable_of("corp", "CORP_KEY");
        assert_eq!(keys.variable("corp"), "CORP_KEY");
        assert_eq!(keys.variable("my-host"), "LARGESTACK_MY_HOST_API_KEY");
        let closure = |_: &str| None;
        assert_eq!(closure.variable("openai"), "LARGESTACK_OPENAI_API_KEY");
    }

    #[test]
    fn whoever_overhears_keys_is_told_before_they_are_used() {
        let told = std::sync::Mutex::new(Vec::new());
        let told = std::sync::Arc::new(told);
        let hears = std::sync::Arc::clone(&told);
        let keys = Keys::default().with("a", Sensitive::new("key-of-a")).variable_of("a", "A_KEY");
        let keys = Overheard::new(keys, move |key: &Sensitive| {
            hears.lock().unwrap().push(key.expose().to_owned());
        });
        assert_eq!(keys.key("a").unwrap(), Some(Sensitive::new("key-of-a")));
        assert_eq!(keys.key("b").unwrap(), None);
        assert_eq!(*told.lock().unwrap(), ["key-of-a"]);
        assert_eq!(keys.variable("a"), "A_KEY");
    }

    #[test]
    fn keys_never_print() {
        let keys = Keys::default().with("openai", Sensitive::new("sk-verysecret"));
        let printed = format!("{keys:?}");
        assert!(printed.contains("openai") && !printed.contains("verysecret"), "{printed}");
    }
}
