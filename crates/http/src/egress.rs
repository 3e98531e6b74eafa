//! The one way out for tools. A host is resolved once, every address it has is looked at, and the
//! connection goes to one of exactly those; a redirect is looked at as if it were the first
//! address. Connections are not kept: what one agent may reach is nobody else's.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use futures::FutureExt as _;
use http::Method;
use http::header::{HeaderName, LOCATION};
use largestack_ports::BoxFuture;
use largestack_ports::egress::{Egress, EgressError, Errand, Fetched};
use rustls::ClientConfig;

use crate::network::Network;

mod exchange;
mod special;
mod target;

use exchange::{Answer, Exchange};
use target::Target;

/// Names into addresses.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of a host.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// Addresses of one host that are tried.
const MAX_TRIES: usize = 4;
/// Headers that belong to the exchange and not to whoever asks for it.
const OURS: &[&str] = &[
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "expect",
    "accept-encoding",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "metadata",
    "metadata-flavor",
    "x-aws-ec2-metadata-token",
];

/// Requests to addresses that a model or a page has named.
pub struct HttpEgress {
    network: Network,
    resolver: Arc<dyn Resolve>,
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl HttpEgress {
    /// A way out over a network, with the system's resolver.
    pub fn new(network: Network) -> Self {
        Self::resolving(network, SystemResolver)
    }

    /// A way out with a resolver of one's own.
    pub fn resolving(network: Network, resolver: impl Resolve) -> Self {
        Self { network, resolver: Arc::new(resolver), tls: OnceLock::new() }
    }

    async fn follow(&self, mut errand: Errand) -> Result<Fetched, EgressError> {
        let reach = Arc::clone(&errand.reach);
        let mut target = Target::parse(&errand.url, &reach)?;
        let first = target.host.clone();
        check(&errand)?;
        for _ in 0..=reach.redirects {
            let addresses = self.addresses(&target, &errand).await?;
            let answer = self.ask(&target, &addresses, &errand).await?;
            let location = match answer {
                Answer::Fetched(fetched) => return Ok(*fetched),
                Answer::Redirect { status, location } => {
                    let next = target.redirected(&location, &reach)?;
                    carry_on(&mut errand, status, &target, &next)?;
                    next
                }
            };
            target = location;
        }
        Err(EgressError::Redirects { host: first, most: reach.redirects })
    }

    /// The addresses of a host, every one of which may be reached.
    async fn addresses(
        &self,
        target: &Target,
        errand: &Errand,
    ) -> Result<Vec<SocketAddr>, EgressError> {
        let unreachable =
            |detail: String| EgressError::Unreachable { host: target.host.clone(), detail };
        let found =
            match target.literal {
                Some(address) => vec![address],
                None => self.resolver.resolve(&target.host).await.map_err(|error| {
                    unreachable(format!("its name cannot be resolved: {error}"))
                })?,
            };
        for address in &found {
            let allowed = errand.reach.allows_private(special::meant(*address));
            if let Some(why) = special::why_not(*address).filter(|_| !allowed) {
                return Err(target.forbidden(&format!("it has {why}")));
            }
        }
        if found.is_empty() {
            return Err(unreachable("its name has no address".to_owned()));
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, target.port)).collect())
    }

    /// Asks whichever address can be connected to.
    async fn ask(
        &self,
        target: &Target,
        addresses: &[SocketAddr],
        errand: &Errand,
    ) -> Result<Answer, EgressError> {
        let tls = if target.secure() { Some(self.tls(target)?) } else { None };
        let exchange = Exchange { network: &self.network, tls, target, errand };
        let mut last = None;
        for address in addresses.iter().take(MAX_TRIES) {
            match exchange.at(*address).await {
                Err(error) if error.nothing_was_sent() => last = Some(error),
                done => return done,
            }
        }
        Err(last.unwrap_or_else(|| target.forbidden("it has no address")))
    }

    fn tls(&self, target: &Target) -> Result<Arc<ClientConfig>, EgressError> {
        let made = self.tls.get_or_init(|| crate::tls::client(&self.network.trust).map(Arc::new));
        made.clone()
            .map_err(|detail| EgressError::Unreachable { host: target.host.clone(), detail })
    }
}

/// Headers and method that an errand may have.
fn check(errand: &Errand) -> Result<(), EgressError> {
    let wrong = |why: String| EgressError::Address(why);
    if Method::from_bytes(errand.method.as_bytes()).is_err() || &*errand.method == "CONNECT" {
        return Err(wrong(format!("`{}` is no method", errand.method)));
    }
    for (name, _) in &errand.headers {
        let fits = HeaderName::from_bytes(name.as_bytes());
        if fits.is_err() || OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            return Err(wrong(format!("the header `{name}` cannot be set")));
        }
    }
    Ok(())
}

/// What becomes of an errand on its way to where it was redirected (RFC 9110, 15.4).
fn carry_on(
    errand: &mut Errand,
    status: u16,
    from: &Target,
    to: &Target,
) -> Result<(), EgressError> {
    let sends = !matches!(&*errand.method, "GET" | "HEAD");
    if status == 303 || (sends && matches!(status, 301 | 302)) {
        if &*errand.method != "HEAD" {
            errand.method = "GET".into();
        }
        errand.body = None;
        errand.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
    } else if sends && !from.same_origin(to) {
        return Err(to.forbidden("a redirect would carry what is sent to another host"));
    }
    if !from.same_origin(to) {
        errand.credentials.clear();
        let private = ["authorization", "cookie"];
        errand.headers.retain(|(name, _)| !private.iter().any(|p| name.eq_ignore_ascii_case(p)));
    }
    Ok(())
}

/// Where an answer redirects to.
fn redirect(status: u16, headers: &http::HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    matches!(status, 301 | 302 | 303 | 307 | 308).then(|| location.to_owned())
}

impl Egress for HttpEgress {
    fn run(&self, errand: Errand) -> BoxFuture<'_, Result<Fetched, EgressError>> {
        let total = errand.total;
        let host = url::Url::parse(&errand.url).ok();
        let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        async move {
            let ran = tokio::time::timeout(total, self.follow(errand)).await;
            ran.unwrap_or(Err(EgressError::Late { host, after: total }))
        }
        .boxed()
    }
}

impl fmt::Debug for HttpEgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEgress").field("network", &self.network).finish_non_exhaustive()
    }
}
