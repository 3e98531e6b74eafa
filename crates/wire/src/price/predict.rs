//! What a call will cost, before it is made: three guesses and one bound.

use largestack_types::call::Call;
use largestack_types::money::Money;
use largestack_types::usage::Usage;

use super::{Bounds, NoPrice, Price, Tier, asked};
use crate::profile::Profile;
use crate::tokens;

/// What a call may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// If the answer is half as long as expected.
    pub low: Money,
    /// If it is as long as expected.
    pub expected: Money,
    /// If it is three times as long, but never above the bound.
    pub high: Money,
    /// The most it can cost: what a budget must have left for the call to be made.
    pub worst_case: Money,
    /// About as many tokens go in.
    pub input_tokens: u64,
    /// No more tokens than this go in.
    pub input_bound: u64,
    /// About as many come out.
    pub output_tokens: u64,
    /// No more than this are asked for.
    pub output_bound: u64,
    /// The tier that the call asks for.
    pub tier: Tier,
}

/// What a call to a model with this price and profile will cost. `usual_output` is how many tokens
/// its answers usually have; without it, half as many again as go in.
pub fn predict(
    price: &Price,
    profile: &Profile,
    call: &Call,
    usual_output: Option<u64>,
) -> Result<Prediction, NoPrice> {
    let settings = &call.settings;
    let tier = asked(settings.extra.as_ref()).map_err(|_| NoPrice::Unpriced("the tier"))?;
    let input_bound = tokens::upper_bound(call, profile);
    let output_bound = u64::from(profile.output_limit(settings.max_output_tokens));
    let input_tokens = tokens::estimate(call, profile);
    let media = tokens::has_media(call);
    let bounds =
        Bounds { input: input_bound, output: output_bound, media, tier, ..Bounds::default() };
    let worst_case = price.worst_case(bounds)?;
    let usual = usual_output.unwrap_or_else(|| input_tokens.saturating_add(input_tokens / 2));
    let cost = |output: u64| -> Result<Money, NoPrice> {
        let usage = Usage {
            input_tokens: Some(input_tokens),
            output_tokens: Some(output.min(output_bound)),
            ..Usage::default()
        };
        Ok(price.cost(&usage, tier)?.cost)
    };
    Ok(Prediction {
        low: cost(usual / 2)?,
        expected: cost(usual)?,
        high: cost(usual.saturating_mul(3))?,
        worst_case,
        input_tokens,
        input_bound,
        output_tokens: usual.min(output_bound),
        output_bound,
        tier,
    })
}
