//! Whether a model may take over a call: what it can do, where it is, what it may cost.

use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::label::DataClasses;
use largestack_wire::price::Bounds;

use super::plan::Plan;
use crate::route::Route;
use crate::routing::demand::Demand;

/// Why a model is passed over; `None` when nothing speaks against it.
pub(super) fn unfit(
    (plan, holds): (&Plan, DataClasses),
    call: &Call,
    first: &Route,
    route: &Route,
) -> Option<LargestackError> {
    if let Some(refused) = plan.refused(holds, route) {
        return Some(refused);
    }
    let demand = Demand::of(call);
    let reason = demand
        .beyond_other(first, route)
        .or_else(|| dearer(plan.policy.max_price_factor?, &demand, first, route))?;
    let detail = format!("{} was passed over: {reason}", route.name);
    let advice = "Name a fallback that can answer the same calls";
    Some(LargestackError::with_advice(Code::Input, detail, advice))
}

/// Whether a model is dearer than the policy allows, in words.
fn dearer(factor: f64, demand: &Demand, first: &Route, route: &Route) -> Option<String> {
    let worst = |route: &Route| {
        let output = u64::from(route.profile.output_limit(demand.output));
        route.price.as_ref()?.worst_case(Bounds::tokens(demand.input, output)).ok()
    };
    let (Some(most), Some(needs)) = (worst(first), worst(route)) else {
        return Some("its price, or the first model's, is not known".to_owned());
    };
    #[expect(clippy::cast_precision_loss, reason = "a factor of a price is a rule of thumb")]
    let within = needs.nanos() as f64 <= most.nanos() as f64 * factor;
    (!within).then(|| format!("it may cost {needs}, more than {factor} times {most}"))
}
