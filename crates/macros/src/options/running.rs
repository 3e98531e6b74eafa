//! Options of `#[tool]` that change how a tool is run, as the code that sets them.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, LitStr, Result};

use super::{Item, flag, integer, milliseconds, string};
use crate::spelling::nearest;

/// What is set of them.
#[derive(Default)]
pub(crate) struct Running {
    growth: Option<&'static str>,
    unit: Option<u64>,
    most: Option<u64>,
    jitter: Option<bool>,
    breaker: Option<u32>,
    window: Option<(Span, u64)>,
    cooldown: Option<(Span, u64)>,
    agent_rate: Option<u64>,
    tenant_rate: Option<u64>,
    cache: Option<(Span, u64)>,
    version: Option<String>,
    capabilities: Vec<&'static str>,
    classes: Vec<&'static str>,
    reveals: Vec<&'static str>,
    approval: Option<&'static str>,
    origin: Option<&'static str>,
}

/// A word as it is written, and the variant that it means.
type Words = &'static [(&'static str, &'static str)];

const GROWTHS: Words = &[
    ("none", "None"),
    ("constant", "Constant"),
    ("linear", "Linear"),
    ("exponential", "Exponential"),
];
const APPROVALS: Words = &[("required", "Required"), ("never", "Never")];
const CAPABILITIES: Words = &[
    ("read", "Read"),
    ("write", "Write"),
    ("delete", "Delete"),
    ("send", "Send"),
    ("pay", "Pay"),
    ("execute", "Execute"),
    ("egress", "Egress"),
];
const ORIGINS: Words = &[
    ("operator", "Operator"),
    ("user", "User"),
    ("tool", "Tool"),
    ("retrieval", "Retrieval"),
    ("memory", "Memory"),
    ("web", "Web"),
    ("agent", "Agent"),
];
const CLASSES: Words = &[
    ("secret", "Secret"),
    ("card", "Card"),
    ("government_id", "GovernmentId"),
    ("financial", "Financial"),
    ("contact", "Contact"),
    ("personal", "Personal"),
    ("health", "Health"),
    ("confidential", "Confidential"),
];

impl Running {
    /// Takes an option; `false` where it is none of these.
    pub(super) fn set(&mut self, item: &Item, name: &str) -> Result<bool> {
        let duration = || milliseconds(&string(item)?);
        let placed = || Ok::<_, Error>((item.name.span(), duration()?));
        match name {
            "backoff" => self.growth = Some(word(&string(item)?, GROWTHS)?),
            "backoff_unit" => self.unit = Some(duration()?),
            "backoff_max" => self.most = Some(duration()?),
            "jitter" => self.jitter = Some(flag(item)?),
            "breaker" => self.breaker = Some(count(item)?),
            "breaker_window" => self.window = Some(placed()?),
            "breaker_cooldown" => self.cooldown = Some(placed()?),
            "calls_per_minute" => self.agent_rate = Some(count(item)?.into()),
            "tenant_calls_per_minute" => self.tenant_rate = Some(count(item)?.into()),
            "cache" => self.cache = Some(placed()?),
            "version" => self.version = Some(string(item)?.value()),
            "capabilities" => self.capabilities = words(&string(item)?, CAPABILITIES)?,
            "classes" => self.classes = words(&string(item)?, CLASSES)?,
            "reveals" => self.reveals = words(&string(item)?, CLASSES)?,
            "origin" => self.origin = Some(word(&string(item)?, ORIGINS)?),
            "approval" => self.approval = Some(word(&string(item)?, APPROVALS)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What contradicts itself.
    pub(super) fn check(&self, idempotent: bool) -> Result<()> {
        match (self.cache, self.breaker, self.window.or(self.cooldown)) {
            (Some((span, _)), _, _) if !idempotent => Err(Error::new(
                span,
                "`cache` needs `idempotent`: results of a tool with side effects are not shared",
            )),
            (_, None, Some((span, _))) => {
                Err(Error::new(span, "this says how `breaker` works, which is not there"))
            }
            _ => Ok(()),
        }
    }

    /// The code that sets what is set.
    pub(crate) fn changes(&self, support: &TokenStream) -> Vec<TokenStream> {
        let mut changes = self.backoff(support);
        let millis = |ms: u64| quote!(::core::time::Duration::from_millis(#ms));
        if let Some(failures) = self.breaker {
            changes.push(quote! {
                let mut breaker = #support::options::BreakerOptions::after(#failures);
            });
            changes.extend(self.window.map(|(_, ms)| {
                let duration = millis(ms);
                quote!(breaker.window = #duration;)
            }));
            changes.extend(self.cooldown.map(|(_, ms)| {
                let duration = millis(ms);
                quote!(breaker.cooldown = #duration;)
            }));
            changes.push(quote!(options.breaker = ::core::option::Option::Some(breaker);));
        }
        let rate =
            |n: u64| quote!(::core::option::Option::Some(#support::options::Rate::per_minute(#n)));
        changes.extend(self.agent_rate.map(|n| {
            let rate = rate(n);
            quote!(options.agent_rate = #rate;)
        }));
        changes.extend(self.tenant_rate.map(|n| {
            let rate = rate(n);
            quote!(options.tenant_rate = #rate;)
        }));
        changes.extend(self.cache.map(|(_, ms)| {
            let duration = millis(ms);
            quote!(options.cache = ::core::option::Option::Some(#duration);)
        }));
        changes.extend(self.version.as_ref().map(|text| quote!(options.version = #text.into();)));
        changes.extend(self.access(support));
        changes
    }

    fn backoff(&self, support: &TokenStream) -> Vec<TokenStream> {
        let mut changes = Vec::new();
        changes.extend(self.growth.map(|growth| {
            let growth = format_ident!("{growth}");
            quote!(options.backoff.growth = #support::options::Growth::#growth;)
        }));
        changes
            .extend(self.unit.map(
                |ms| quote!(options.backoff.unit = ::core::time::Duration::from_millis(#ms);),
            ));
        changes
            .extend(self.most.map(
                |ms| quote!(options.backoff.most = ::core::time::Duration::from_millis(#ms);),
            ));
        changes.extend(self.jitter.map(|on| quote!(options.backoff.jitter = #on;)));
        changes
    }

    fn access(&self, support: &TokenStream) -> Vec<TokenStream> {
        let mut changes = Vec::new();
        let sets = [
            ("capabilities", "Capability", &self.capabilities),
            ("classes", "DataClass", &self.classes),
            ("reveals", "DataClass", &self.reveals),
        ];
        for (field, kind, values) in sets {
            if values.is_empty() {
                continue;
            }
            let (field, kind) = (format_ident!("{field}"), format_ident!("{kind}"));
            let values = values.iter().map(|value| {
                let value = format_ident!("{value}");
                quote!(#support::options::#kind::#value)
            });
            changes.push(quote!(options.access.#field = [#(#values),*].into_iter().collect();));
        }
        changes.extend(self.origin.map(|origin| {
            let origin = format_ident!("{origin}");
            quote! {
                options.access.origin =
                    ::core::option::Option::Some(#support::options::Origin::#origin);
            }
        }));
        changes.extend(self.approval.map(|rule| {
            let rule = format_ident!("{rule}");
            quote!(options.access.approval = #support::options::ApprovalRule::#rule;)
        }));
        changes
    }
}

fn count(item: &Item) -> Result<u32> {
    let number = integer(item)?;
    match number.base10_parse()? {
        0 => Err(Error::new(number.span(), "must be at least 1")),
        n => Ok(n),
    }
}

fn find(at: &LitStr, written: &str, known: Words) -> Result<&'static str> {
    let found = known.iter().find(|(name, _)| *name == written);
    found.map(|(_, variant)| *variant).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let advice = match nearest(written, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", names.join(", ")),
        };
        Error::new(at.span(), format!("unknown word `{written}`; {advice}"))
    })
}

fn word(text: &LitStr, known: Words) -> Result<&'static str> {
    find(text, text.value().trim(), known)
}

fn words(text: &LitStr, known: Words) -> Result<Vec<&'static str>> {
    text.value().split(',').map(|word| find(text, word.trim(), known)).collect()
}
