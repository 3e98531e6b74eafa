#![cfg(unix)]

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use largestack_ports::command::CommandLimits;
use largestack_ports::vault::Sensitive;
use largestack_types::errors::{Code, Coded as _};

use super::*;

/// A script of the system's shell, which is only a program like others here.
fn script(text: &str) -> Command {
    Command {
        program: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), text.to_owned()],
        folder: None,
        environment: Vec::new(),
        input: Bytes::new(),
        limits: CommandLimits::default(),
        sandbox: Sandbox::None,
    }
}

async fn ended(command: Command) -> Ended {
    Processes::default().run(command).await.unwrap()
}

/// Whether a process of this number is running; a zombie is not.
fn runs(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = status.rsplit_once(") ").map_or("", |(_, behind)| behind);
    !state.is_empty() && !state.starts_with('Z')
}

/// Waits until a process has gone: it was ended, and the kernel may take its time.
async fn gone(process: &str) {
    while runs(process) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_it_is_told_it_hears_and_what_it_says_is_heard() {
    let mut command = script("cat; echo oh >&2; exit 3");
    command.input = Bytes::from_static(b"{\"n\":1}");
    let ended = ended(command).await;
    assert_eq!((ended.code, ended.signal), (Some(3), None));
    assert_eq!((&*ended.output, &*ended.errors), (&b"{\"n\":1}"[..], &b"oh\n"[..]));
}

#[tokio::test]
async fn nothing_is_inherited_but_what_is_given() {
    let mut command = script("/usr/bin/env");
    command.environment = vec![("ONE".to_owned(), Sensitive::new("1"))];
    let output = ended(command).await.output;
    let text = String::from_utf8(output.to_vec()).unwrap();
    // The shell sets some of its own.
    let given: Vec<_> = text
        .lines()
        .filter(|l| !["PWD=", "_=", "SHLVL=", "OLDPWD="].iter().any(|own| l.starts_with(own)))
        .collect();
    assert_eq!(given, ["ONE=1"]);
    assert!(std::env::vars_os().count() > 0, "there was something to inherit");
}

#[tokio::test]
async fn it_runs_in_the_folder_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = script("pwd -P");
    command.folder = Some(folder.path().to_owned());
    let output = ended(command).await.output;
    let real = folder.path().canonicalize().unwrap();
    assert_eq!(String::from_utf8_lossy(&output).trim(), real.to_string_lossy());
}

#[tokio::test]
async fn output_is_heard_up_to_its_bound_and_one_byte_more_ends_it() {
    let mut command = script("printf 0123456789");
    command.limits.output = 10;
    assert_eq!(&*ended(command.clone()).await.output, b"0123456789");
    command.limits.output = 9;
    assert_eq!(Processes::default().run(command).await, Err(CommandFailure::TooMuch(9)));
    let mut endless = script("echo $$ >&2; while :; do echo y; done");
    endless.limits.output = 1 << 20;
    assert_eq!(Processes::default().run(endless).await, Err(CommandFailure::TooMuch(1 << 20)));
}

#[tokio::test]
async fn of_the_errors_the_end_is_kept() {
    let mut command = script("printf 0123456789 >&2");
    command.limits.errors = 4;
    assert_eq!(&*ended(command).await.errors, b"6789");
}

#[tokio::test]
async fn what_forks_ends_with_it() {
    // The grandchild holds the streams open and would sleep for an hour.
    let ended = ended(script("sleep 3600 & echo $!")).await;
    let grandchild = String::from_utf8_lossy(&ended.output).trim().to_owned();
    assert_eq!(ended.code, Some(0));
    assert!(grandchild.parse::<u32>().is_ok(), "{grandchild}");
    gone(&grandchild).await;
}

#[tokio::test]
async fn dropping_it_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("pids");
    let text = format!("sleep 3600 & echo $$ $! > {0}.new; mv {0}.new {0}; wait", told.display());
    let running = Processes::default().run(script(&text)).shared();
    let pids = loop {
        // Polled now and then, as somebody would who waits for something else beside it.
        let _ = tokio::time::timeout(Duration::from_millis(5), running.clone()).await;
        if let Ok(pids) = std::fs::read_to_string(&told) {
            break pids;
        }
    };
    drop(running);
    for process in pids.split_whitespace() {
        gone(process).await;
    }
}

#[tokio::test]
async fn a_command_that_reads_nothing_is_no_failure() {
    let mut command = script("exit 0");
    command.input = Bytes::from(vec![b'x'; 1 << 20]);
    assert_eq!(ended(command).await.code, Some(0));
}

#[tokio::test]
async fn what_cannot_be_started_has_not_happened() {
    let mut command = script("");
    command.program = "/nowhere/at/all".into();
    let failure = Processes::default().run(command.clone()).await.unwrap_err();
    assert!(matches!(failure, CommandFailure::NotStarted(_)), "{failure}");
    // A bare name is a file here, and not looked for anywhere.
    command.program = "sh".into();
    assert!(Processes::default().run(command).await.is_err());
}

#[tokio::test]
async fn what_has_to_be_confined_is_not_run_where_nothing_confines() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = script("touch ran");
    command.folder = Some(folder.path().to_owned());
    command.sandbox = Sandbox::default();
    let failure = Processes::default().run(command.clone()).await.unwrap_err();
    assert_eq!(failure.code(), Code::Sandbox, "{failure}");
    let gone = Processes::confined_by("/nowhere/at/all");
    assert!(matches!(gone.run(command.clone()).await, Err(CommandFailure::Unconfined(_))));
    assert!(gone.try_confinement().await.is_err());
    // A program that knows nothing of confining says nothing of having done it.
    let deaf = Processes::confined_by("/bin/true").run(command.clone()).await;
    assert!(deaf.is_err(), "{deaf:?}");
    assert!(!folder.path().join("ran").exists());
    command.sandbox = Sandbox::None;
    assert!(Processes::default().run(command).await.is_ok());
    assert!(folder.path().join("ran").exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn limits_hold_for_what_it_starts_as_well() {
    // Limits are set just after it began, so it first waits to be told something.
    let mut command = script("read go; ulimit -v; ulimit -t; ulimit -c");
    command.input = Bytes::from_static(b"go\n");
    command.limits.memory = Some(512 << 20);
    command.limits.processor = Some(Duration::from_secs(7));
    let output = ended(command).await.output;
    assert_eq!(String::from_utf8_lossy(&output), "524288\n7\n0\n");
}
