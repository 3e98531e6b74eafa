//! How providers are reached: through a proxy or not, and whom to believe beside the system.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_ports::vault::Sensitive;

use crate::node::Node;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// How providers are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The proxy's address, which may hold a password; `None` for none.
    pub proxy: Option<Sensitive>,
    /// Hosts, addresses and networks that are reached directly all the same.
    pub no_proxy: Vec<Arc<str>>,
    /// A PEM file of certificate authorities to believe beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl Network {
    pub(crate) fn relative_to(mut self, folder: &Path) -> Self {
        self.ca_file = self.ca_file.map(|file| folder.join(file));
        self
    }
}

/// What stands for a proxy, shown without its credentials.
struct Proxy(Sensitive);

impl Show for Proxy {
    fn show(&self) -> String {
        let text = self.0.expose();
        match (text.split_once("://"), text.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://..@{host}"),
            _ => text.to_owned(),
        }
    }
}

pub(crate) fn read(mut fields: Fields<'_>) -> Network {
    let proxy = fields.optional("proxy", proxy);
    let no_proxy = fields.list("no_proxy", Vec::new(), value::some_text).value;
    let file = fields.get("ca_file", None, |node| value::some_text(node).map(Some));
    fields.finish();
    let folder = file.source.folder(Path::new(""));
    let ca_file = file.value.map(|path| folder.join(&*path));
    Network { proxy: proxy.map(|proxy| proxy.0), no_proxy, ca_file }
}

fn proxy(node: &Node) -> Result<Proxy, Wrong> {
    let text = value::some_text(node)?;
    let kinds = ["http://", "socks5://", "socks5h://"];
    let host = kinds.iter().find_map(|kind| text.strip_prefix(kind));
    // What is wrong is not shown: it may hold a password.
    match host {
        Some(host) if !host.trim_matches('/').is_empty() => Ok(Proxy(Sensitive::new(text))),
        _ => Err(Wrong::value("a proxy is http://HOST:PORT, socks5://HOST:PORT or socks5h://..")),
    }
}
