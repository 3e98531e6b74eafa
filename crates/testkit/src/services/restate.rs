//! A Restate server of a test's own, on free ports of the loopback, that may be killed and started again
//! where it was.

#![expect(clippy::expect_used, clippy::panic, reason = "a test whose server is not there stops")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to come up: far longer than it does.
const LONGEST: Duration = Duration::from_mins(1);
/// How often it is asked meanwhile.
const OFTEN: Duration = Duration::from_millis(10);

/// A port of the loopback that nobody listens on.
///
/// # Panics
///
/// Where the system has none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The server; killed when this is dropped.
pub struct RestateServer {
    binary: PathBuf,
    folder: PathBuf,
    ingress: u16,
    admin: u16,
    fabric: u16,
    child: Child,
}

impl Drop for RestateServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl RestateServer {
    /// Starts the program that [`restate`](super::restate) names, with what it keeps in a folder, and
    /// waits until it answers.
    ///
    /// # Panics
    ///
    /// Where it does not start, or does not answer within a minute.
    pub fn start(binary: PathBuf, folder: &Path) -> Self {
        let (ingress, admin, fabric) = (free_port(), free_port(), free_port());
        fs::create_dir_all(folder).expect("a folder can be made");
        let settings = format!(
            "disable-telemetry = true\nrocksdb-total-memory-size = \"128.0 MiB\"\n\
             default-num-partitions = 2\n\
             [ingress]\nbind-address = \"127.0.0.1:{ingress}\"\n\
             [admin]\nbind-address = \"127.0.0.1:{admin}\"\n\
             [worker.invoker]\nmemory-limit = \"128.0 MiB\"\n"
        );
        fs::write(folder.join("restate.toml"), settings).expect("a file can be written");
        let child = spawn(&binary, folder, fabric);
        let server = Self { binary, folder: folder.to_owned(), ingress, admin, fabric, child };
        server.is_up();
        server
    }

    #[expect(clippy::disallowed_methods, reason = "a server comes up in its own time")]
    fn is_up(&self) {
        let end = Instant::now() + LONGEST;
        while Instant::now() < end {
            let up = answers(self.ingress, "/restate/health") && answers(self.admin, "/health");
            if up {
                return;
            }
            std::thread::sleep(OFTEN);
        }
        panic!("the Restate server does not answer within {LONGEST:?}: {}", self.folder.display());
    }

    /// The address of its ingress.
    pub fn ingress(&self) -> String {
        format!("http://127.0.0.1:{}", self.ingress)
    }

    /// The address of its admin port.
    pub fn admin(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether somebody has killed it.
    ///
    /// # Panics
    ///
    /// Where the system does not say.
    pub fn is_dead(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Kills it with -9.
    pub fn kill(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Kills it with -9 and starts it again over what it had kept.
    ///
    /// # Panics
    ///
    /// Where it does not come up again.
    pub fn again(&mut self) {
        self.kill();
        self.child = spawn(&self.binary, &self.folder, self.fabric);
        self.is_up();
    }
}

fn spawn(binary: &Path, folder: &Path, fabric: u16) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log"));
    let log = log.expect("a file can be written");
    Command::new(binary)
        .arg("--config-file")
        .arg(folder.join("restate.toml"))
        .arg("--base-dir")
        .arg(folder.join("data"))
        .args(["--bind-ip", "127.0.0.1", "--bind-port", &fabric.to_string()])
        .args(["--listen-mode", "tcp", "--node-name", "n1", "--no-logo"])
        .stdin(Stdio::null())
        .stdout(Stdio::from(log.try_clone().expect("a file")))
        .stderr(Stdio::from(log))
        .spawn()
        .expect("the server starts")
}

/// Whether something on this port says that a path is fine.
fn answers(port: u16, path: &str) -> bool {
    let asked = || -> std::io::Result<bool> {
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    asked().unwrap_or(false)
}
