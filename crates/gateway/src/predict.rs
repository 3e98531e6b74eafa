//! What a call will cost, before it is made: from the same rows, prices and profiles by which it
//! is made.

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::time::Timestamp;
use largestack_wire::price::{Book, NoPrice, Prediction, Price};
use largestack_wire::profile::Profile;
use largestack_wire::{Registry, Target};

/// What a call will cost with these providers and prices at this time. `usual_output` is how many
/// tokens answers usually have, where somebody knows. `LARGESTACK_BUDGET` where the price is not
/// known: such a call is refused under a budget.
pub fn predict(
    registry: &Registry,
    prices: &Book,
    call: &Call,
    at: Timestamp,
    usual_output: Option<u64>,
) -> Result<Prediction> {
    let (price, profile) = match registry.resolve(&call.model) {
        Ok(target) => (price_of(&target, prices, at), target.profile),
        // What runs in this process has no row.
        Err(unknown) => {
            let named = call.model.split_once('/');
            let price = named.and_then(|(provider, model)| prices.price(provider, model, at));
            (Some(price.ok_or(unknown)?), Profile::default())
        }
    };
    of(price.as_deref(), &profile, call, usual_output)
}

pub(crate) fn of(
    price: Option<&Price>,
    profile: &Profile,
    call: &Call,
    usual_output: Option<u64>,
) -> Result<Prediction> {
    let price = price.ok_or_else(|| unknown(&call.model))?;
    largestack_wire::price::predict(price, profile, call, usual_output).map_err(|wrong| match wrong
    {
        NoPrice::Unpriced(_) => unknown(&call.model),
        NoPrice::Range(_) => {
            LargestackError::other(Code::Budget, "the price of the call is out of range")
        }
    })
}

/// The price of a model: nothing where nobody has an account, else what the list says.
pub(crate) fn price_of(target: &Target, prices: &Book, at: Timestamp) -> Option<Arc<Price>> {
    let row = &target.provider;
    let keyless = row.auth == largestack_wire::Auth::None;
    let listed = prices.price(&row.name, &target.model, at);
    listed.or_else(|| keyless.then(|| Arc::new(Price::free())))
}

fn unknown(model: &str) -> LargestackError {
    LargestackError::with_advice(
        Code::Budget,
        format!("the price of {model} is not known"),
        "Give it one under `prices` in largestack.yaml",
    )
}
