//! Rate limits of a project, as the gateway takes them.

use largestack_config::{self as config, PerMinute};
use largestack_gateway::{RateLimit, RateLimits, WhenReached};
use largestack_ports::limits::{LimitKind, Measure, Rate};

/// The limits that the project's file names.
pub(crate) fn limits(said: &config::RateLimits) -> RateLimits {
    let kinds = [
        (LimitKind::Tenant, said.tenant),
        (LimitKind::User, said.user),
        (LimitKind::Model, said.model),
        (LimitKind::Provider, said.provider),
    ];
    RateLimits {
        limits: kinds.into_iter().flat_map(|(kind, per_minute)| of(kind, per_minute)).collect(),
        when_reached: match said.when_reached {
            config::WhenReached::Refuse => WhenReached::Refuse,
            config::WhenReached::Wait => {
                WhenReached::Wait { most: usize::try_from(said.queue).unwrap_or(usize::MAX) }
            }
        },
        first: said.first.iter().cloned().collect(),
    }
}

fn of(kind: LimitKind, said: PerMinute) -> impl Iterator<Item = RateLimit> {
    let nanos = said.cost.map(|cost| cost.nanos().unsigned_abs());
    let units = [
        (Measure::Requests, said.requests.map(u64::from)),
        (Measure::InputTokens, said.input_tokens.map(u64::from)),
        (Measure::OutputTokens, said.output_tokens.map(u64::from)),
        (Measure::Money, nanos),
    ];
    units.into_iter().filter_map(move |(measure, units)| {
        units.map(|units| RateLimit { kind, measure, rate: Rate::per_minute(units) })
    })
}
