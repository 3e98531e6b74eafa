//! The agent, its model, and the providers that could serve one.

use largestack_config::{self as config, Settings};
use largestack_ports::license::License as _;
use largestack_types::errors::{Coded as _, Result};
use largestack_wire::{Auth, Registry};

use crate::compose::{self, is_offline};
use crate::keys::Keys;
use crate::render::checks::{Check, Finding};

/// The agent's file.
pub(super) fn agent(settings: Option<&Result<Settings<config::Agent>>>) -> Check {
    match settings {
        None => Check::new("agent", Finding::Off, "there is no agent.yaml here")
            .advise("Name a folder, or make a project: largestack new NAME"),
        Some(Err(error)) => Check::new("agent", Finding::Broken, error.message())
            .advise(error.suggestion().into_owned()),
        Some(Ok(settings)) => {
            let agent = &settings.agent;
            let detail = format!("{} in {} is valid", agent.name, agent.file.display());
            Check::new("agent", Finding::Ok, detail)
        }
    }
}

/// The model that a run would use, and whether its key is there.
pub(super) fn model(settings: Option<&Settings<config::Agent>>, keys: &Keys) -> Option<Check> {
    let settings = settings?;
    let model = &settings.agent.model;
    if is_offline(model) {
        let check = Check::new("model", Finding::Ok, compose::OFFLINE);
        return Some(check.advise("Set OPENAI_API_KEY or use --model for a language model"));
    }
    // The settings have refused models that nobody serves.
    let target = settings.project.providers.resolve(model).ok()?;
    let Some(url) = target.provider.base_url.as_deref() else {
        let detail = format!("{model}: no address is known of provider {}", target.provider.name);
        let advice =
            format!("Set `providers.{}.base-url` in largestack.yaml", target.provider.name);
        return Some(Check::new("model", Finding::Broken, detail).advise(advice));
    };
    Some(match keys.find(&target.provider) {
        Err(error) => Check::new("model", Finding::Broken, error.message())
            .advise(error.suggestion().into_owned()),
        Ok(Some((_, source))) => {
            let detail = format!("{model}, with the key in {source}");
            Check::new("model", Finding::Ok, detail)
        }
        Ok(None) if target.provider.auth == Auth::None => {
            Check::new("model", Finding::Ok, format!("{model}, which needs no key, at {url}"))
        }
        Ok(None) => {
            let variable = config::own_key_variable(&target.provider.name);
            Check::new("model", Finding::Broken, format!("{model} needs a key and none is set"))
                .advise(format!(
                    "Set {variable}, keep it with `largestack secret set {}`, or use another model",
                    target.provider.name
                ))
        }
    })
}

/// Providers whose key is set. Keys are not tried: that would need the network.
pub(super) fn providers(settings: Option<&Settings<config::Agent>>, keys: &Keys) -> Check {
    let registry = match settings {
        Some(settings) => &settings.project.providers,
        None => Registry::builtin(),
    };
    let mut known = 0;
    let mut set = Vec::new();
    for provider in registry.providers() {
        known += 1;
        // A store that does not open has a line of its own.
        if let Ok(Some((_, source))) = keys.find(provider) {
            set.push(format!("{} ({source})", provider.name));
        }
    }
    if set.is_empty() {
        let detail = format!("{known} known, no key is set");
        return Check::new("providers", Finding::Off, detail);
    }
    let detail = format!("{known} known, keys set for {} (not tried)", set.join(", "));
    Check::new("providers", Finding::Ok, detail)
}

/// The licence, where the operator asks for one.
pub(super) fn license(settings: Option<&Settings<config::Agent>>) -> Option<Check> {
    let licensed = settings?.project.license.as_ref()?.load();
    if let Err(error) = licensed.check(compose::now()) {
        let check = Check::new("licence", Finding::Broken, error.message());
        return Some(check.advise(error.suggestion().into_owned()));
    }
    let claims = licensed.claims()?;
    let until = claims.until.map_or_else(|| "for ever".to_owned(), |end| format!("until {end}"));
    Some(Check::new("licence", Finding::Ok, format!("that of {}, {until}", claims.holder)))
}
