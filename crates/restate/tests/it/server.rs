//! A process that serves runs to a Restate server, and may be killed and started again where it was.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use largestack_restate::{Client, Register};
pub(crate) use largestack_testkit::services::RestateServer as Server;
use largestack_testkit::services::free_port;
use rustix::process::{Pid, Signal, kill_process};

/// How a served process is told what to do.
pub(crate) const ORDER: &str = "LARGESTACK_TEST_SERVES";
/// How long something may take that needs a moment.
const LONGEST: Duration = Duration::from_mins(1);

/// Looks until something is there.
#[expect(clippy::disallowed_methods, reason = "a test gives up some time")]
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + LONGEST;
    while Instant::now() < end {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not within {LONGEST:?}");
}

pub(crate) fn kill(child: &mut Child) {
    let pid = Pid::from_child(child);
    // It may be gone already.
    let _ = kill_process(pid, Signal::KILL);
    let _ = child.wait();
}

/// A process that serves the runs of a folder; killed when this is dropped.
pub(crate) struct Serving {
    folder: PathBuf,
    at: SocketAddr,
    child: Child,
}

impl Drop for Serving {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

impl Serving {
    /// `dies` is `<point> <before|after> <process to be killed or ->`, or nothing.
    pub(crate) async fn start(folder: &Path, server: &Server, dies: &str) -> Self {
        let at = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let child = Self::spawn(folder, at, dies);
        let serving = Self { folder: folder.to_owned(), at, child };
        serving.is_up().await;
        let worker = Register { uri: format!("http://{at}"), force: true };
        until("the worker's address", async || {
            Client::new(&server.ingress()).register(&server.admin(), &worker).await.ok()
        })
        .await;
        serving
    }

    fn spawn(folder: &Path, at: SocketAddr, dies: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["services::serves", "--exact", "--nocapture"])
            .env(ORDER, format!("{at} {} {dies}", folder.display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    async fn is_up(&self) {
        until("the worker", async || tokio::net::TcpStream::connect(self.at).await.ok()).await;
    }

    pub(crate) fn is_dead(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) async fn again(&mut self) {
        kill(&mut self.child);
        self.child = Self::spawn(&self.folder, self.at, "");
        self.is_up().await;
    }
}
