//! Where words may go: an agent with a list of labels is answered only by providers that have one
//! of them, and by models of this process.

use std::sync::Arc;

use largestack_types::errors::{Code, LargestackError};

use crate::route::{Route, Served};

/// The refusal, where the route leads to nobody with one of these labels.
pub(crate) fn refused(labels: &[Arc<str>], route: &Route) -> Option<LargestackError> {
    let Served::There(there) = &route.served else { return None };
    let has = &there.target.provider.residency;
    if labels.is_empty() || has.iter().any(|label| labels.iter().any(|l| **l == **label)) {
        return None;
    }
    let wanted = labels.join(", ");
    let detail = format!("{} is not asked: {} is not within {wanted}", route.name, route.provider);
    let advice = format!(
        "Name a model within {wanted}, or label the provider: \
         `providers.{}.residency` in largestack.yaml",
        route.provider
    );
    Some(LargestackError::with_advice(Code::ModelBlocked, detail, advice))
}
