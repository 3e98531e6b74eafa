//! `scripts/two-workers`, as a user starts it: two processes, one killed in the middle, counted outside.

#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Stdio};

use largestack_testkit::services;

/// What the script says, once it has found everything in order.
fn counted(engine: &str, set: impl FnOnce(&mut Command)) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/two-workers");
    let mut command = Command::new(script);
    command.arg(engine).env("LARGESTACK", env!("CARGO_BIN_EXE_largestack")).env("ORDERS", "10");
    set(&mut command);
    let output = command.stdin(Stdio::null()).output().expect("the script runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    said
}

/// It has counted the orders itself: what is left is that it came to its end.
fn holds(said: &str) {
    assert!(said.contains("10 orders are enqueued."), "{said}");
    assert!(said.contains("was killed in the middle of"), "{said}");
    assert!(said.contains("and charged 10 orders, each once."), "{said}");
    assert!(said.contains("nano-dollars, the project"), "{said}");
}

#[cfg(feature = "postgres")]
#[test]
fn two_workers_on_postgres_do_every_order_once_although_one_is_killed_in_the_middle() {
    let Some(_) = services::postgres() else { return };
    holds(&counted("postgres", |_| {}));
}

#[cfg(feature = "restate")]
#[test]
fn two_workers_on_restate_do_every_order_once_although_one_is_killed_in_the_middle() {
    let Some(server) = services::restate() else { return };
    holds(&counted("restate", |command| {
        command.env("RESTATE_SERVER", server);
    }));
}
