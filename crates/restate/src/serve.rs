//! Serving runs to Restate: over HTTP/2, as Restate calls it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::Status;
use largestack_gateway::model_requests_are_blocked;
use largestack_ports::clock::Clock;
use largestack_ports::ids::Ids;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use restate_sdk::endpoint::{Builder, Endpoint, ServiceOptions};
use restate_sdk::http_server::HttpServer;
use restate_sdk::service::IntoServiceDefinition as _;
use serde::Serialize;
use tokio::net::TcpListener;

pub use crate::service::{RUN, SESSION, run_of};
use crate::service::{Runs, Sessions, Shelf};
use crate::work::Served;

/// How long Restate leaves an attempt alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// How long nothing has to be recorded before Restate asks for a pause. A run that waits for a
    /// person leaves its process then; what is under way is not cut off, but the attempt ends with
    /// the next thing that is recorded, and what runs beside that is in doubt.
    pub quiet: Duration,
    /// How long after that the attempt is ended.
    pub grace: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { quiet: Duration::from_mins(15), grace: Duration::from_hours(1) }
    }
}

/// Something that happens to a run in the process that serves it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServiceEvent {
    /// An attempt to drive it has begun: the first one, or one that goes on where another ended.
    Taken {
        /// Which.
        run: RunId,
        /// The agent or workflow.
        name: Arc<str>,
    },
    /// It has ended.
    Over {
        /// Which.
        run: RunId,
        /// The agent or workflow.
        name: Arc<str>,
        /// How.
        status: Status,
        /// The error of a failed run.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<LargestackError>,
    },
    /// It was not begun.
    Refused {
        /// Which.
        run: RunId,
        /// The agent or workflow.
        name: Arc<str>,
        /// Why.
        error: LargestackError,
    },
    /// The attempt failed. Restate makes another one.
    Failed {
        /// Which.
        run: RunId,
        /// The agent or workflow.
        name: Arc<str>,
        /// Why.
        error: LargestackError,
    },
}

/// What a process serves.
pub struct Service {
    shelf: Shelf,
    timeouts: Timeouts,
    endpoint: Builder,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.shelf.served.keys().collect();
        names.sort();
        f.debug_struct("Service").field("served", &names).finish_non_exhaustive()
    }
}

impl Service {
    /// Agents and workflows, each under the name that runs ask for. `ids` and `clock` make the ids
    /// of runs of sessions.
    pub fn new(
        served: impl IntoIterator<Item = (String, Served)>,
        ids: Arc<dyn Ids>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let served = served.into_iter().collect();
        let listener = Arc::new(|_: &ServiceEvent| {});
        let shelf = Shelf { served, ids, clock, listener, blocked: false };
        Self { shelf, timeouts: Timeouts::default(), endpoint: Endpoint::builder() }
    }

    /// Obeys the one Restate server with this public key (`publickeyv1_..`), and nobody else who
    /// reaches the address. `LARGESTACK_CONFIG` for what is no such key.
    pub fn obeys(mut self, identity_key: &str) -> Result<Self> {
        self.endpoint = self.endpoint.identity_key(identity_key).map_err(|error| {
            LargestackError::other(Code::Config, format!("no key of a Restate server: {error}"))
        })?;
        Ok(self)
    }

    /// Hears what happens to runs here.
    #[must_use]
    pub fn listener(mut self, listener: impl Fn(&ServiceEvent) + Send + Sync + 'static) -> Self {
        self.shelf.listener = Arc::new(listener);
        self
    }

    /// With these timeouts, which Restate is told when it is given the address.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Serves until `over` ends; then what is under way has ten seconds. Served inside
    /// `block_model_requests`, runs reach no provider.
    pub async fn serve(mut self, listener: TcpListener, over: impl Future<Output = ()>) {
        // What the server of HTTP starts are tasks of its own, which a block does not follow into.
        self.shelf.blocked = model_requests_are_blocked();
        let Timeouts { quiet, grace } = self.timeouts;
        let options = ServiceOptions::new().inactivity_timeout(quiet).abort_timeout(grace);
        let all = Arc::new(self.shelf);
        let talks = Sessions(Arc::clone(&all)).into_service_definition().options(options.clone());
        let runs = Runs(all).into_service_definition().options(options);
        let endpoint = self.endpoint.bind(runs).bind(talks).build();
        HttpServer::new(endpoint).serve_with_cancel(listener, over).await;
    }
}
