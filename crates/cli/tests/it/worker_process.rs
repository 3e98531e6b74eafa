//! A worker as a process, and what it says.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

/// How long anything may take: far longer than it does.
const PATIENCE: Duration = Duration::from_mins(1);

/// A worker process, and the lines that it has printed.
pub(crate) struct Worker {
    pub(crate) child: Child,
    lines: Receiver<Value>,
}

impl Worker {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary runs");
        let (tell, lines) = channel();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("a line of JSON");
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a line of this event.
    pub(crate) fn until(&self, event: &str) -> Value {
        tokio::task::block_in_place(|| {
            loop {
                let line = self.lines.recv_timeout(PATIENCE).expect(event);
                if line["event"] == event {
                    return line;
                }
            }
        })
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn killed(&mut self) {
        self.signal("-KILL");
        self.child.wait().unwrap();
    }

    /// Waits until something else has ended it.
    pub(crate) fn died(&mut self) {
        tokio::task::block_in_place(|| {
            // Its output ends with it: a wait without an end would outlive the test.
            while self
                .lines
                .recv_timeout(PATIENCE)
                .map_err(|why| {
                    assert_eq!(why, RecvTimeoutError::Disconnected, "it lives");
                })
                .is_ok()
            {}
            assert!(!self.child.wait().unwrap().success());
        });
    }

    /// Ends it, and says with what code.
    pub(crate) fn drained(mut self) -> (i32, Value) {
        self.signal("-TERM");
        let stopped = self.until("stopped");
        (self.child.wait().unwrap().code().unwrap(), stopped)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

/// The events of a kind in a run's document.
pub(crate) fn events<'t>(trace: &'t Value, kind: &str) -> Vec<&'t Value> {
    let events = trace["events"].as_array().unwrap();
    events.iter().filter(|event| event["kind"] == kind).collect()
}
