//! One [`Model`](largestack_ports::model::Model) in front of all others: a stack of layers that
//! route a call, retry it, spare a provider that is down and keep every budget, around the
//! transport or a model of this process. It speaks no protocol (that is `largestack-wire`), opens
//! no socket and looks at no clock of its own (those are ports), and it does not run agents.
//!
//! ```
//! # use std::sync::Arc;
//! use largestack_gateway::Gateway;
//! # use largestack_gateway::Ports;
//! use largestack_testkit::{TestModel, Turn};
//! # fn ports() -> Result<Ports, Box<dyn std::error::Error>> {
//! #     use largestack_http::{Keys, OsIds, HttpTransport, SystemClock, TokioTasks};
//! #     use largestack_ports::{ledger::MemoryLedger, switch::MemorySwitch};
//! #     Ok(Ports {
//! #         transport: Arc::new(HttpTransport::new(Keys::default())),
//! #         ledger: Arc::new(MemoryLedger::default()),
//! #         switch: Arc::new(MemorySwitch::default()),
//! #         clock: Arc::new(SystemClock),
//! #         ids: Arc::new(OsIds::new()?),
//! #         tasks: Arc::new(TokioTasks::current()?),
//! #     })
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder(ports()?)
//!     .fallbacks("support", ["openai/gpt-4o-mini", "offline/extractive"])
//!     .build();
//! gateway.register("offline", Arc::new(TestModel::new([Turn::text("Hello.")])));
//! # Ok(())
//! # }
//! ```

mod block;
mod builder;
mod errand;
mod excerpt;
mod fault;
mod gateway;
mod job;
mod layers;
mod predict;
mod reply;
mod retrieval;
mod route;
mod routing;
mod stack;
mod step;

pub use block::{InheritingTasks, block_model_requests, model_requests_are_blocked};
pub use builder::{Builder, Ports};
pub use gateway::Gateway;
pub use layers::breaker::BreakerPolicy;
pub use layers::cache::CachePolicy;
pub use layers::fallback::{CannotContinue, FallbackPolicy, OnBreak, OnContent, ProviderRule};
pub use layers::meter::FLOOR_TOKENS;
pub use layers::rate_limit::{RateLimit, RateLimits, WhenReached};
pub use layers::retry::RetryPolicy;
pub use predict::predict;
pub use routing::{Pool, Strategy};
