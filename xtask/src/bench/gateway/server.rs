//! The processes of the bench, one for each of those that serve.

use std::net::{Ipv4Addr, SocketAddr};

use axum::routing::get;
use axum::serve::ListenerExt as _;
use clap::{Args, ValueEnum};

use super::super::child::{Served, until_the_input_ends};
use super::{pass, stack, upstream};
use crate::Outcome;
use crate::measure::cpu_so_far;

/// Where a server says how much CPU time it has used, in nanoseconds.
pub(super) const CPU: &str = "/cpu";

/// One of those that serve, until its input ends.
#[derive(Args)]
pub(crate) struct Server {
    /// Which one.
    who: Who,
    /// Where the provider is.
    upstream: Option<SocketAddr>,
}

/// Who serves.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Who {
    /// The provider.
    Upstream,
    /// Nothing but a way through.
    Pass,
    /// Every layer of the gateway.
    Stack,
}

/// Starts a server.
pub(super) fn start(who: Who, upstream: Option<SocketAddr>) -> Outcome<Served> {
    let name = who.to_possible_value().ok_or("a server has no name")?;
    let address = upstream.map(|address| address.to_string());
    let mut arguments = vec!["bench-server", name.get_name()];
    arguments.extend(address.as_deref());
    Served::start(&arguments)
}

impl Server {
    /// Serves.
    pub(crate) fn serve(&self) -> Outcome<bool> {
        super::open_files()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let upstream = self.upstream.ok_or("no provider was named");
        let routes = {
            let _entered = runtime.enter();
            match self.who {
                Who::Upstream => upstream::routes(),
                Who::Pass => pass::routes(upstream?)?,
                Who::Stack => stack::routes(upstream?)?,
            }
        };
        let routes = routes.route(CPU, get(|| async { cpu_so_far().to_string() }));
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        // One thread serves while this one waits for the end of the input.
        let served = std::thread::spawn(move || {
            runtime.block_on(async { axum::serve(listener, routes).await })
        });
        until_the_input_ends(address);
        drop(served);
        Ok(true)
    }
}
