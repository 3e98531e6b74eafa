//! The gateway behind the same front as the pass-through: a request is read, goes through every
//! layer (budgets, rate limits and the breaker on), and its reply is written again.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures::StreamExt as _;
use largestack_gateway::{Gateway, Ports, RateLimit, RateLimits, WhenReached};
use largestack_http::{HttpTransport, Keys, OsIds, SystemClock, TokioTasks};
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::ledger::{BudgetKey, BudgetKind, MemoryLedger};
use largestack_ports::limits::{LimitKind, Measure, MemoryLimits, Rate};
use largestack_ports::model::{CallContext, Model, ModelEvent, ReplyStream, RunSlot};
use largestack_ports::switch::MemorySwitch;
use largestack_ports::vault::Sensitive;
use largestack_types::error::Coded as _;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::EffectId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_wire::Registry;
use largestack_wire::price::Book;

use super::script::Manner;
use super::{asked, reply, script};
use crate::Outcome;

const PRICES: &str = r#"
version = "bench"
[[list]]
providers = ["bench"]
page = "https://bench.invalid/prices"
read = "2026-11-23"
[list.models]
"*" = { input = "0.15", output = "0.60" }
"#;
/// Limits that no bench reaches.
const PLENTY: Rate = Rate { per_minute: 1_000_000_000_000, burst: 1_000_000_000_000 };

/// What all requests share.
struct Front {
    gateway: Gateway,
    model: Arc<str>,
    scope: Scope,
    agent: Arc<str>,
    budgets: Arc<[BudgetKey]>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    held: Mutex<Vec<ReplyStream>>,
}

/// Where the gateway is told to hold streams of its own: those that nobody hears.
pub(super) const HOLD: &str = "/hold";

/// Its routes.
pub(super) fn routes(upstream: SocketAddr) -> Outcome<Router> {
    let front = Arc::new(Front::new(upstream)?);
    let (chat, hold) = (post(answer), post(hold));
    Ok(Router::new().route(script::PATH, chat).route(HOLD, hold).with_state(front))
}

impl Front {
    fn new(upstream: SocketAddr) -> Outcome<Self> {
        let mut registry = Registry::default();
        registry.define(
            "bench",
            toml::from_str(&format!(
                "wire = \"openai-chat\"\nbase-url = \"http://{upstream}/v1\"\nkey-env = [\"BENCH\"]"
            ))?,
        );
        let model: Arc<str> = format!("bench/{}", script::MODEL).into();
        let scope = Scope::local();
        let kinds = [BudgetKind::Key, BudgetKind::User, BudgetKind::Tenant];
        let budgets = kinds.map(|kind| BudgetKey::new(&scope, kind, kind.as_str()));
        let ledger = MemoryLedger::default();
        for key in &budgets {
            ledger.set_limit(key, Some(Money::from_nanos(i64::MAX / 4)));
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(OsIds::new()?);
        let ports = Ports {
            transport: Arc::new(HttpTransport::new(
                Keys::default().with("bench", Sensitive::new("bench")),
            )),
            ledger: Arc::new(ledger),
            switch: Arc::new(MemorySwitch::default()),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            tasks: Arc::new(TokioTasks::current()?),
        };
        let limits = Arc::new(MemoryLimits::new(Arc::clone(&clock)));
        let gateway = Gateway::builder(ports)
            .registry(registry)
            .prices(Book::parse(PRICES)?)
            .rate_limits(limits, rates())
            .build();
        let (agent, budgets) = ("bench".into(), budgets.into());
        let held = Mutex::default();
        Ok(Self { gateway, model, scope, agent, budgets, clock, ids, held })
    }

    async fn ask(&self, body: &[u8]) -> Result<(ReplyStream, bool)> {
        let call = asked::call(body, &self.model)?;
        let now = self.clock.now();
        let context = CallContext {
            scope: self.scope.clone(),
            run: self.ids.run_id(now),
            effect: EffectId::new(1),
            agent: Arc::clone(&self.agent),
            budgets: Arc::clone(&self.budgets),
            keep_for_last_turn: false,
            deadline: Some(now.plus(Duration::from_mins(5))),
            slot: RunSlot::default(),
        };
        let streams = call.stream;
        Ok((self.gateway.call(&context, call).await?, streams))
    }
}

/// Calls and tokens a minute, of a key and of the tenant.
fn rates() -> RateLimits {
    let limit = |kind, measure| RateLimit { kind, measure, rate: PLENTY };
    let measures = [Measure::Requests, Measure::InputTokens, Measure::OutputTokens];
    let kinds = [LimitKind::Key, LimitKind::Tenant];
    RateLimits {
        limits: kinds.into_iter().flat_map(|kind| measures.map(|m| limit(kind, m))).collect(),
        when_reached: WhenReached::Refuse,
        ..RateLimits::default()
    }
}

async fn answer(State(front): State<Arc<Front>>, body: Bytes) -> Response {
    let answered = match front.ask(&body).await {
        Ok((events, true)) => Ok(streamed(events)),
        Ok((events, false)) => whole(events).await,
        Err(error) => Err(error),
    };
    answered.unwrap_or_else(|error| refused(&error))
}

/// Begins so many streams and keeps them.
async fn hold(State(front): State<Arc<Front>>, count: String) -> Response {
    let body = script::request(Manner::Hold);
    for _ in 0..count.trim().parse().unwrap_or(0) {
        let begun = front.ask(body.as_bytes()).await;
        let (mut events, _) = match begun {
            Ok(begun) => begun,
            Err(error) => return refused(&error),
        };
        if let Some(Err(error)) = events.next().await {
            return refused(&error);
        }
        front.held.lock().unwrap_or_else(PoisonError::into_inner).push(events);
    }
    StatusCode::OK.into_response()
}

async fn whole(mut events: ReplyStream) -> Result<Response> {
    while let Some(event) = events.next().await {
        if let ModelEvent::Done(answer) = event? {
            return Ok(typed("application/json", Body::from(reply::whole(&answer.reply))));
        }
    }
    Ok(StatusCode::BAD_GATEWAY.into_response())
}

fn streamed(events: ReplyStream) -> Response {
    typed(
        "text/event-stream",
        Body::from_stream(events.map(|event| Ok::<_, LargestackError>(reply::piece(&event?)))),
    )
}

fn typed(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn refused(error: &LargestackError) -> Response {
    let status = StatusCode::from_u16(error.code().kind().http_status());
    (status.unwrap_or(StatusCode::BAD_GATEWAY), error.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use largestack_types::time::Timestamp;

    use super::*;

    /// The gateway would pass every call unmetered, and be measured without its ledger.
    #[test]
    fn the_bench_has_a_price_for_its_model() {
        let at = Timestamp::from_micros(1_767_225_600_000_000);
        let book = Book::parse(PRICES).unwrap();
        assert!(book.price("bench", script::MODEL, at).is_some_and(|price| !price.is_free()));
    }
}
