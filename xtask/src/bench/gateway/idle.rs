//! Streams that are open and say nothing: what memory each of them holds in the gateway's process.

use std::fs;
use std::net::SocketAddr;

use futures::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::client::Asking;
use super::script::{self, Manner};
use super::server::{self, Who};
use super::{OURS, PASS, count};
use crate::Outcome;
use crate::report::{Aim, Ratio, Row};

/// So many, where the limit of open files allows it.
const WANTED: usize = 10_000;
/// Files that are open anyway.
const SPARE: usize = 200;
/// Opened at a time.
const BATCH: usize = 100;
/// What each may hold, in thousands of bytes: 300 MB over ten thousand.
const KB_EACH: f64 = 30.0;

/// What was measured.
pub(super) struct Idle {
    pub(super) rows: Vec<Row>,
    pub(super) ratio: Ratio,
}

pub(super) fn measure(runtime: &Runtime, provider: Option<SocketAddr>) -> Outcome<Idle> {
    let files = super::open_files()?.saturating_sub(SPARE);
    let own = WANTED.min(files);
    let server = server::start(Who::Stack, provider)?;
    runtime.block_on(Asking::new(server.address())?.hold(own))?;
    let held = resident(server.id())?;
    drop(server);
    // A server has two connections for each stream.
    let clients = WANTED.min(files / 2);
    let serving = |who| -> Outcome<f64> {
        let server = server::start(who, provider)?;
        let _open = runtime.block_on(open(server.address(), clients))?;
        resident(server.id())
    };
    let row = |who: &str, streams, bytes: f64| {
        let name = format!("{who}: memory with {streams} idle streams");
        Row::of(&name, "MB", &[bytes / 1e6])
    };
    let front = |who: &str| format!("{who} and its server");
    let rows = vec![
        row(OURS, own, held),
        row(&front(OURS), clients, serving(Who::Stack)?),
        row(&front(PASS), clients, serving(Who::Pass)?),
    ];
    let name = format!("{OURS}: memory for each of {own} idle streams, KB");
    let each = held / count(own) / 1e3;
    Ok(Idle { rows, ratio: Ratio::new(name, each, Aim::AtMost(KB_EACH)) })
}

/// Opens streams and waits until each has begun.
async fn open(address: SocketAddr, streams: usize) -> Outcome<Vec<TcpStream>> {
    let mut open = Vec::with_capacity(streams);
    while open.len() < streams {
        let batch = BATCH.min(streams - open.len());
        open.extend(try_join_all((0..batch).map(|_| begin(address))).await?);
    }
    Ok(open)
}

async fn begin(address: SocketAddr) -> Outcome<TcpStream> {
    let body = script::request(Manner::Hold);
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        script::PATH,
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let (mut seen, mut buffer) = (Vec::new(), [0; 2_048]);
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            let said = String::from_utf8_lossy(&seen);
            return Err(format!("a stream ended before it began: {said}").into());
        }
        seen.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if String::from_utf8_lossy(&seen).contains(" counted") {
            return Ok(stream);
        }
    }
}

/// Bytes of a process that are in memory, as proc(5) `status` says.
fn resident(process: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")).ok_or("no VmRSS")?;
    Ok(kib.trim().parse::<f64>()? * 1_024.0)
}
