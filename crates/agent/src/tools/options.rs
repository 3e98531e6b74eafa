//! Options that contradict the tool they stand on.

use super::Entry;

/// What is wrong, as the builder reports it.
pub(super) fn problems(entry: &Entry) -> Vec<String> {
    let (spec, options) = (entry.tool.spec(), &entry.options);
    let mut problems = Vec::new();
    let mut wrong = |what: &str| problems.push(format!("tool `{}`: {what}", spec.name));
    if options.cache.is_some() && !spec.idempotent {
        wrong("`cache` needs an idempotent tool: results of one with side effects are not shared");
    }
    if options.timeout.is_zero() {
        wrong("`timeout` must be longer than nothing");
    }
    if options.breaker.is_some_and(|breaker| breaker.failures == 0) {
        wrong("`breaker` needs at least one failure");
    }
    for rate in [options.agent_rate, options.tenant_rate].into_iter().flatten() {
        if rate.per_minute == 0 || rate.burst == 0 {
            wrong("a rate must be at least 1 per minute");
        }
    }
    problems
}
