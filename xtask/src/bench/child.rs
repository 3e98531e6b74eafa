//! A server of a bench, in a process of its own, so that its CPU time and memory are its own. It
//! is this program again, prints its address, and ends with its input.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::Outcome;

/// A running server; ends when this is dropped.
pub(super) struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    /// Starts this program with these arguments and waits until it serves.
    pub(super) fn start(arguments: &[&str]) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("the server has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { child, address })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of the process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It ends with its input; killing it as well leaves nothing behind when it hangs.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child does: says where it serves, and waits for the end of its input.
pub(super) fn until_the_input_ends(address: SocketAddr) {
    println!("{address}");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
