//! From a model's name to everything the stack needs of whoever serves it, kept between calls.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use foldhash::quality::RandomState;
use largestack_ports::model::Model;
use largestack_ports::tokenizer::Tokenizer;
use largestack_ports::transport::Auth;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::time::Timestamp;
use largestack_wire::price::{Book, Price};
use largestack_wire::profile::Profile;
use largestack_wire::{Beginning, Registry, Target, Wire};

use crate::layers::breaker::{Circuit, Circuits};
use crate::predict::price_of;
use crate::routing::Pool;

/// Who answers to a name.
pub(crate) struct Route {
    /// As the agent names it.
    pub(crate) name: Arc<str>,
    /// The row of the provider table, or the first part of a registered name.
    pub(crate) provider: Arc<str>,
    pub(crate) served: Served,
    /// `None` when nobody knows.
    pub(crate) price: Option<Arc<Price>>,
    /// What it can do; the default for models of this process.
    pub(crate) profile: Profile,
    /// Who counts its words, where somebody can.
    pub(crate) counter: Option<Counter>,
    /// Prices begin on a day, so a route is good for one.
    day: i64,
}

/// A tokeniser, and what it calls the encoding of one model.
#[derive(Clone)]
pub(crate) struct Counter {
    tokenizer: Arc<dyn Tokenizer>,
    encoding: Arc<str>,
}

impl Counter {
    /// The name of the encoding.
    pub(crate) fn encoding(&self) -> &Arc<str> {
        &self.encoding
    }

    /// The tokens of a text.
    pub(crate) fn count(&self, text: &str) -> Option<u64> {
        self.tokenizer.count(&self.encoding, text)
    }
}

/// How a call is served.
pub(crate) enum Served {
    /// By a provider.
    There(Box<There>),
    /// By a model of this process.
    Here(Arc<dyn Model>),
    /// By whichever model of a pool is chosen.
    Pool(Arc<Pool>),
}

/// A model at a provider.
pub(crate) struct There {
    pub(crate) target: Target,
    pub(crate) wire: &'static dyn Wire,
    /// Why no conversation is held there, where it only embeds or ranks.
    pub(crate) silent: Option<LargestackError>,
    pub(crate) auth: Auth,
    pub(crate) circuits: Arc<Circuits>,
    /// What the sessions of all runs begin with, for a whole reply and for a stream.
    beginnings: [OnceLock<Beginning>; 2],
}

impl There {
    /// What a session begins with that asks for a stream, or for a whole reply.
    pub(crate) const fn beginning(&self, stream: bool) -> &OnceLock<Beginning> {
        let [whole, streamed] = &self.beginnings;
        if stream { streamed } else { whole }
    }
}

const DAY_MICROS: i64 = 86_400_000_000;
/// A wire for rows that speak none.
const EXAMPLE: &dyn Wire = &largestack_wire::openai_chat::OpenAiChat;
/// Routes kept. Names come from agents, but also from callers.
const MAX_ROUTES: usize = 1_024;

/// What a circuit stands for: a place, or a model at it.
type Spot = (Arc<str>, Option<Arc<str>>);

/// All routes.
pub(crate) struct Routes {
    registry: Registry,
    prices: Book,
    pools: HashMap<Arc<str>, Arc<Pool>>,
    here: RwLock<HashMap<Arc<str>, Arc<dyn Model>>>,
    known: RwLock<HashMap<Arc<str>, Arc<Route>, RandomState>>,
    circuits: RwLock<HashMap<Spot, Arc<Circuit>>>,
    tokenizer: Option<Arc<dyn Tokenizer>>,
}

impl Routes {
    pub(crate) fn new(
        registry: Registry,
        prices: Book,
        pools: HashMap<Arc<str>, Arc<Pool>>,
        tokenizer: Option<Arc<dyn Tokenizer>>,
    ) -> Self {
        Self {
            registry,
            prices,
            pools,
            here: RwLock::default(),
            known: RwLock::default(),
            circuits: RwLock::default(),
            tokenizer,
        }
    }

    fn counter(&self, name: &str) -> Option<Counter> {
        let tokenizer = self.tokenizer.as_ref()?;
        let encoding = tokenizer.encoding(name)?.into();
        Some(Counter { tokenizer: Arc::clone(tokenizer), encoding })
    }

    /// Serves a name, or all names that begin with it and a slash, by a model of this process.
    pub(crate) fn register(&self, name: Arc<str>, model: Arc<dyn Model>) {
        self.here.write().unwrap_or_else(PoisonError::into_inner).insert(name, model);
        self.known.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Who serves a model; `LARGESTACK_MODEL_UNKNOWN` when nobody does.
    pub(crate) fn get(&self, name: &Arc<str>, now: Timestamp) -> Result<Arc<Route>> {
        let day = now.micros().div_euclid(DAY_MICROS);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(route) = known.filter(|route| route.day == day) {
            return Ok(route);
        }
        let route = Arc::new(self.make(name, day, now)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_ROUTES {
            known.clear();
        }
        known.insert(name.clone(), route.clone());
        Ok(route)
    }

    fn make(&self, name: &Arc<str>, day: i64, now: Timestamp) -> Result<Route> {
        if let Some(model) = self.registered(name) {
            let (provider, rest) = name.split_once('/').unwrap_or((name, ""));
            // What runs in this process is charged by nobody, unless the list says otherwise.
            let price =
                self.prices.price(provider, rest, now).unwrap_or_else(|| Arc::new(Price::free()));
            return Ok(Route {
                name: name.clone(),
                provider: provider.into(),
                served: Served::Here(model),
                price: Some(price),
                profile: Profile::default(),
                counter: self.counter(name),
                day,
            });
        }
        if let Some(pool) = self.pools.get(name) {
            return Ok(Route {
                name: name.clone(),
                provider: name.clone(),
                served: Served::Pool(pool.clone()),
                price: None,
                profile: Profile::default(),
                counter: self.counter(name),
                day,
            });
        }
        let target = self.registry.resolve(name)?;
        let row = &target.provider;
        let spoken = target.wire();
        let errands = row.embed.is_some() || row.rerank.is_some();
        let (wire, silent) = match spoken {
            Ok(wire) => (wire, None),
            // Never spoken: it stands where a conversation's would.
            Err(silent) if errands => (EXAMPLE, Some(silent.into())),
            Err(wrong) => return Err(wrong.into()),
        };
        Ok(Route {
            name: name.clone(),
            provider: row.name.clone(),
            price: price_of(&target, &self.prices, now),
            profile: target.profile,
            counter: self.counter(name),
            day,
            served: Served::There(Box::new(There {
                auth: auth(&target)?,
                circuits: self.circuits(&target),
                wire,
                silent,
                target,
                beginnings: Default::default(),
            })),
        })
    }

    fn registered(&self, name: &str) -> Option<Arc<dyn Model>> {
        let here = self.here.read().unwrap_or_else(PoisonError::into_inner);
        let prefix = name.split_once('/').map_or(name, |(prefix, _)| prefix);
        here.get(name).or_else(|| here.get(prefix)).cloned()
    }

    /// What a call to this model passes. Kept beyond the route, which is made anew each day.
    fn circuits(&self, target: &Target) -> Arc<Circuits> {
        let mut circuits = self.circuits.write().unwrap_or_else(PoisonError::into_inner);
        if circuits.len() >= MAX_ROUTES {
            // Routes hold theirs; one that is made anew is calm, too.
            circuits.retain(|_, circuit| !circuit.is_calm());
        }
        if circuits.len() >= MAX_ROUTES {
            circuits.clear();
        }
        let place = place(target);
        let provider = circuits.entry((Arc::clone(&place), None)).or_default().clone();
        let model = circuits.entry((place, Some(Arc::clone(&target.model)))).or_default().clone();
        Arc::new(Circuits { provider, model })
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Routes")
    }
}

/// What can be reached or not as one: a row, in one region where it has several.
fn place(target: &Target) -> Arc<str> {
    let name = &target.provider.name;
    match target.provider.params.get("region").and_then(|region| region.value.as_deref()) {
        Some(region) => format!("{name}@{region}").into(),
        None => name.clone(),
    }
}

/// The row's way to present a key, as the transport takes it.
fn auth(target: &Target) -> Result<Auth> {
    Ok(match &target.provider.auth {
        largestack_wire::Auth::Bearer => Auth::Bearer,
        largestack_wire::Auth::Header(name) => Auth::Header(name.as_str().into()),
        largestack_wire::Auth::None => Auth::None,
        largestack_wire::Auth::Azure => Auth::Azure,
        largestack_wire::Auth::GoogleCloud => Auth::GoogleCloud,
        largestack_wire::Auth::SigV4(service) => {
            Auth::SigV4 { service: service.as_str().into(), region: target.param("region")?.into() }
        }
    })
}

#[cfg(test)]
mod tests {
    use largestack_wire::{Param, Provider};

    use super::*;

    #[test]
    fn a_row_is_up_or_down_in_each_of_its_regions_alone() {
        let at = |region: Option<&str>| {
            let mut row = Provider::new("mine");
            let region =
                region.map(|value| Param { value: Some(value.to_owned()), ..Param::default() });
            row.params.extend(region.map(|region| ("region".to_owned(), region)));
            place(&Target::new(Arc::new(row), "m"))
        };
        assert_eq!(&*at(None), "mine");
        assert_eq!(&*at(Some("eu-west-1")), "mine@eu-west-1");
        assert_ne!(at(Some("eu-west-1")), at(Some("us-east-1")));
    }
}
