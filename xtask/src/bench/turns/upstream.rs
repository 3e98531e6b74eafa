//! The provider of the bench, in a process of its own so that its CPU time is not counted.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use largestack_testkit::{Answer, Received};

use super::script;
use crate::Outcome;

/// A running provider; ends when this is dropped.
pub(super) struct Upstream {
    child: Child,
    address: SocketAddr,
}

impl Upstream {
    pub(super) fn start() -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("bench-upstream")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("the upstream has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { child, address })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // It ends with its input; killing it as well leaves nothing behind when it hangs.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The task that the child process performs: serves until its input ends.
pub(crate) fn serve() -> Outcome<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let replies: Vec<String> = (0..64).map(|n| script::reply(Some(n))).collect();
    let last = script::reply(None);
    let upstream = runtime.block_on(largestack_testkit::Upstream::answering(move |request| {
        let (asked, answered) = progress(request);
        let reply = replies.get(answered).filter(|_| answered < asked).unwrap_or(&last);
        Answer::json(200, reply.clone())
    }))?;
    upstream.forget_requests();
    println!("{}", upstream.address());
    // One thread serves while this one waits for the end of the input.
    let served = std::thread::spawn(move || {
        runtime.block_on(std::future::pending::<()>());
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(upstream);
    drop(served);
    Ok(true)
}

/// How many calls the question asks for, and how many have been answered.
fn progress(request: &Received) -> (usize, usize) {
    let body = String::from_utf8_lossy(&request.body);
    let asked = body
        .split_once("[calls=")
        .and_then(|(_, rest)| rest.split_once(']'))
        .and_then(|(count, _)| count.parse().ok())
        .unwrap_or(0);
    (asked, body.matches(r#""role":"tool""#).count())
}
