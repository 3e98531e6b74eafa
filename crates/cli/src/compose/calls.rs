//! Who answers an agent's calls: fallbacks, pools, residency, and what is answered from the cache.

use std::sync::Arc;

use largestack_config as config;
use largestack_gateway::{
    Builder as GatewayBuilder, CachePolicy, CannotContinue, FallbackPolicy, OnBreak, OnContent,
    Pool, ProviderRule, Strategy,
};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::label::DataClass;

/// Who answers the calls of a project's agents.
pub(super) fn answering<'a>(
    mut gateway: GatewayBuilder,
    project: &config::Project,
    agents: impl Iterator<Item = &'a config::Agent>,
) -> Result<GatewayBuilder> {
    for agent in agents {
        gateway = answered_by(gateway, agent)?;
    }
    for (name, pool) in &project.pools {
        gateway = gateway.pool(name, pool_of(pool));
    }
    Ok(gateway.registry(project.providers.clone()).prices(project.prices.clone()))
}

/// Who answers an agent's calls, and what is answered without anybody.
fn answered_by(gateway: GatewayBuilder, described: &config::Agent) -> Result<GatewayBuilder> {
    let name = || Arc::clone(&described.name);
    let mut gateway = gateway
        .fallbacks(name(), described.fallbacks.iter().cloned())
        .fallback_policy(name(), fallback_policy(&described.fallback))
        .residency(name(), described.residency.iter().cloned())
        .provider_policy(name(), described.provider_policy.iter().map(rule));
    if let Some(cache) = &described.cache {
        gateway = gateway.cache(name(), cache_policy(cache, described)?);
    }
    Ok(gateway)
}

/// Who may be told data of a kind.
fn rule(said: &config::ProviderRule) -> (DataClass, ProviderRule) {
    let (providers, residency) = (said.providers.clone(), said.residency.clone());
    (said.class, ProviderRule { providers, residency })
}

/// What the guards let through decides what a reply was made from, so that other guards find
/// nothing of these.
fn cache_policy(cache: &config::ReplyCache, described: &config::Agent) -> Result<CachePolicy> {
    let guards = serde_json::to_vec(&described.guardrails).map_err(|error| {
        LargestackError::other(Code::Config, format!("the guardrails cannot be written: {error}"))
    })?;
    Ok(CachePolicy {
        ttl: cache.ttl,
        sampled: cache.sampled,
        tool_calls: cache.tool_calls,
        policy_version: Hash::of(&guards).to_string().into(),
    })
}

fn pool_of(pool: &config::Pool) -> Pool {
    let strategy = match pool.strategy {
        config::Choose::Weighted => Strategy::Weighted(pool.weights.clone()),
        config::Choose::Latency => Strategy::Latency,
        config::Choose::Cheapest => Strategy::Cheapest,
        config::Choose::Bandit => Strategy::Bandit,
    };
    Pool { models: pool.models.clone(), strategy }
}

fn fallback_policy(described: &config::Fallback) -> FallbackPolicy {
    let on = |bad| described.on_content.contains(&bad);
    FallbackPolicy {
        on_break: match described.on_break {
            config::OnBreak::Continue => OnBreak::Continue,
            config::OnBreak::Restart => OnBreak::Restart,
            config::OnBreak::Surface => OnBreak::Surface,
            config::OnBreak::Fail => OnBreak::Fail,
        },
        cannot_continue: match described.cannot_continue {
            config::OnBreak::Continue | config::OnBreak::Restart => CannotContinue::Restart,
            config::OnBreak::Surface => CannotContinue::Surface,
            config::OnBreak::Fail => CannotContinue::Fail,
        },
        on_content: OnContent {
            empty: on(config::BadContent::Empty),
            refusal: on(config::BadContent::Refusal),
            invalid_output: on(config::BadContent::InvalidOutput),
        },
        max_price_factor: described.max_price_factor,
    }
}
