//! Where a Restate server is that drives the runs of workers, and where it finds them
//! (`worker.restate`).

use std::net::SocketAddr;
use std::sync::Arc;

use crate::node::Node;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::value;

/// Where a worker listens, unless the file says otherwise: nobody but this machine reaches it.
const LISTEN: &str = "127.0.0.1:9080";
/// The ports of a server that was told none.
const INGRESS: &str = "http://127.0.0.1:8080";
const ADMIN: &str = "http://127.0.0.1:9070";

/// A Restate server, and how it and a worker reach each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restate {
    /// Where the worker listens: an address and a port, 0 for any that is free.
    pub listen: Arc<str>,
    /// Where the server reaches the worker; made of `listen` where it is not said.
    pub uri: Option<Arc<str>>,
    /// Where runs are begun, told and ended.
    pub ingress: Arc<str>,
    /// Where the worker says where it is.
    pub admin: Arc<str>,
    /// The public key of the one server that the worker obeys.
    pub identity_key: Option<Arc<str>>,
    /// Whether it obeys, without such a key, whoever reaches a `listen` that is not on the loopback.
    pub unsigned: bool,
}

impl Default for Restate {
    fn default() -> Self {
        Self {
            listen: LISTEN.into(),
            uri: None,
            ingress: INGRESS.into(),
            admin: ADMIN.into(),
            identity_key: None,
            unsigned: false,
        }
    }
}

/// Reads the group; `serves` says whether workers are Restate's at all.
pub(super) fn read(mut fields: Fields<'_>, serves: bool) -> Restate {
    let listen = fields.get("listen", LISTEN.into(), listen);
    let restate = Restate {
        listen: listen.value,
        uri: fields.optional("uri", address),
        ingress: fields.get("ingress", INGRESS.into(), address).value,
        admin: fields.get("admin", ADMIN.into(), address).value,
        identity_key: fields.optional("identity_key", key),
        unsigned: fields.get("unsigned", false, value::boolean).value,
    };
    if serves && !restate.unsigned && restate.identity_key.is_none() && !loopback(&restate.listen) {
        let whole = fields.key("listen");
        fields.report.wrong(&listen.source, &whole, open(&restate.listen));
    }
    fields.finish();
    restate
}

fn listen(node: &Node) -> Result<Arc<str>, Wrong> {
    let text = value::some_text(node)?;
    match text.parse::<SocketAddr>() {
        Ok(_) => Ok(text),
        Err(_) => Err(Wrong::value("an address and a port are expected, such as 127.0.0.1:9080")),
    }
}

/// Whether only this machine reaches an address.
fn loopback(listen: &str) -> bool {
    listen.parse::<SocketAddr>().is_ok_and(|at| at.ip().to_canonical().is_loopback())
}

/// An address that others reach, where nothing says whose calls are obeyed: what a worker is handed as
/// recorded it does not do again, so that a caller could make up an approval.
fn open(listen: &str) -> Wrong {
    Wrong::Value {
        detail: format!(
            "whoever reaches {listen} would be obeyed, with recorded steps that it made up"
        ),
        advice: Some(
            "Set `worker.restate.identity_key` to the public key that the server prints when it \
             starts, listen on the loopback, or say `worker.restate.unsigned: true` where something \
             else keeps others away"
                .to_owned(),
        ),
    }
}

/// An address without a path. Restate's ports speak plain HTTP.
fn address(node: &Node) -> Result<Arc<str>, Wrong> {
    let text = value::some_text(node)?;
    let host = text.strip_prefix("http://").map(|host| host.trim_end_matches('/'));
    match host {
        Some(host) if host.contains('@') => {
            Err(Wrong::value("credentials have no place in an address"))
        }
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', ' ']) => {
            Ok(format!("http://{host}").into())
        }
        _ => Err(Wrong::value(format!("`{text}` is not of the form http://HOST:PORT"))),
    }
}

fn key(node: &Node) -> Result<Arc<str>, Wrong> {
    let text = value::some_text(node)?;
    if text.starts_with("publickeyv1_") {
        return Ok(text);
    }
    Err(Wrong::value(
        "the public key begins with publickeyv1_; the server prints it when it starts",
    ))
}
