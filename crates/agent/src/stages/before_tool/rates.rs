//! How often a tool may be called, by an agent and by a tenant.

use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_ports::limits::{
    LimitKey, LimitKind, Limits, Measure, Rate, Take, Verdict as Taken,
};
use largestack_types::errors::Result;

use crate::stage::{Ruling, Stage, StageContext, ToolTurn, Verdict};

/// Counts calls that are about to run. Last of all stages, so that a call which is refused for
/// another reason takes nothing.
pub(crate) struct Rates(pub(crate) Arc<dyn Limits>);

impl Rates {
    async fn take(&self, context: &StageContext, turn: &ToolTurn) -> Result<Ruling<ToolTurn>> {
        let Some(options) = &turn.options else { return Ok(Ruling::pass()) };
        let tool = &turn.call.name;
        let take = |name: Arc<str>, rate: Rate| Take {
            key: LimitKey::new(&context.scope, LimitKind::Tool, name, Measure::Requests),
            rate,
            units: 1,
        };
        let of_agent = |rate| take(format!("{}/{tool}", context.agent).into(), rate);
        let of_tenant = |rate| take(Arc::clone(tool), rate);
        let takes: Vec<Take> = options
            .agent_rate
            .map(of_agent)
            .into_iter()
            .chain(options.tenant_rate.map(of_tenant))
            .collect();
        if takes.is_empty() {
            return Ok(Ruling::pass());
        }
        let Taken::Denied { wait, .. } = self.0.take(&takes).await? else {
            return Ok(Ruling::pass());
        };
        let wait = wait.map_or(60, |wait| wait.as_millis().div_ceil(1_000).max(1));
        let text = format!(
            "Not run: `{tool}` has been called as often as it may be; try again in {wait} s, or \
             go on without it."
        );
        Ok(Ruling::of(Verdict::Retry(text.into())))
    }
}

impl Stage<ToolTurn> for Rates {
    fn name(&self) -> &'static str {
        "rate"
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        Box::pin(self.take(context, turn))
    }
}
