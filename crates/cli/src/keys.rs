//! Keys of providers, from the three places in their order: the variable of ours, the vendor's
//! own, the secret store. Looked up when a request goes out, so that a new key needs no restart.

use std::fmt;
use std::sync::Arc;

use largestack_config::{self as config, Credential, Environment};
use largestack_http::{Credentials, OsIds};
use largestack_ports::secrets::Secrets as _;
use largestack_ports::vault::Sensitive;
use largestack_store::SecretFile;
use largestack_types::errors::{Coded as _, LargestackError, Result};
use largestack_wire::{Provider, Registry};

use crate::compose::scope;

/// Where a key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// A variable of the environment.
    Variable(Arc<str>),
    /// The secret store.
    SecretStore,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::SecretStore => f.write_str("the secret store"),
        }
    }
}

/// This user's secrets; `None` where no folder is known to keep them in.
pub(crate) fn secrets(environment: &Environment) -> Result<Option<SecretFile>> {
    let Some(home) = environment.home() else { return Ok(None) };
    Ok(Some(SecretFile::new(home, Arc::new(OsIds::new()?))))
}

/// The environment of this process, with the names of the secrets beside it. What a store that does
/// not open says is told to whoever has a model chosen by the keys there are.
pub(crate) fn environment() -> Environment {
    let environment = Environment::of_process();
    let names = secrets(&environment).and_then(|file| {
        let names = file.map(|file| file.names(&scope())).transpose();
        names.map_err(LargestackError::from)
    });
    match names {
        Ok(names) => environment.with_keys_elsewhere(names.unwrap_or_default()),
        Err(error) => environment.with_unreadable_keys(error.message()),
    }
}

/// Where keys of providers come from.
pub(crate) struct Keys {
    environment: Environment,
    secrets: Option<SecretFile>,
}

impl Keys {
    /// Keys as this process finds them.
    pub(crate) fn of_process() -> Result<Self> {
        let environment = Environment::of_process();
        let secrets = secrets(&environment)?;
        Ok(Self { environment, secrets })
    }

    /// The secret store, where there is a folder for it.
    pub(crate) const fn secrets(&self) -> Option<&SecretFile> {
        self.secrets.as_ref()
    }

    /// The key of a provider, and where it is.
    pub(crate) fn find(&self, provider: &Provider) -> Result<Option<(Sensitive, KeySource)>> {
        if let Some(Credential { variable, key }) = self.environment.credential(provider) {
            return Ok(Some((key, KeySource::Variable(variable))));
        }
        let Some(secrets) = &self.secrets else { return Ok(None) };
        let key = secrets.get(&scope(), &provider.name)?;
        Ok(key.map(|key| (key, KeySource::SecretStore)))
    }

    /// The same for the rows of a table: what a transport asks.
    pub(crate) fn of(self, providers: Registry) -> RowKeys {
        RowKeys { keys: self, providers }
    }
}

/// Keys of the rows of a table.
pub(crate) struct RowKeys {
    keys: Keys,
    providers: Registry,
}

impl Credentials for RowKeys {
    fn key(&self, provider: &str) -> Result<Option<Sensitive>> {
        let Some(row) = self.providers.provider(provider) else { return Ok(None) };
        Ok(self.keys.find(row)?.map(|(key, _)| key))
    }

    fn variable(&self, provider: &str) -> String {
        config::own_key_variable(provider)
    }
}
