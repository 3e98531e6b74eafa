//! A folder to work in beside one that is nobody's business, and the launcher.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use largestack_ports::command::{
    Command, CommandFailure, CommandLimits, Commands as _, Confinement, Ended, Sandbox,
};
use largestack_tools::Processes;

pub(crate) struct Place {
    _all: tempfile::TempDir,
    /// What a command may change.
    pub(crate) work: PathBuf,
    /// What it may not know of. It holds the file `witness`.
    pub(crate) outside: PathBuf,
    pub(crate) network: bool,
    pub(crate) limits: CommandLimits,
    pub(crate) processes: Processes,
}

/// Whether this machine can confine; if not, it is said aloud and the test goes on without.
async fn can(processes: &Processes) -> bool {
    match processes.try_confinement().await {
        Ok(()) => true,
        Err(why) => {
            largestack_testkit::services::skipped(&format!("nothing is confined here: {why}"));
            false
        }
    }
}

impl Place {
    pub(crate) async fn new() -> Option<Self> {
        Self::within(env!("CARGO_TARGET_TMPDIR")).await
    }

    /// A place in a folder of somebody else's; `None` where nothing can be confined.
    pub(crate) async fn within(folder: &str) -> Option<Self> {
        let processes = Processes::confined_by(env!("CARGO_BIN_EXE_largestack-confine"));
        if !can(&processes).await {
            return None;
        }
        let all = tempfile::tempdir_in(folder).unwrap();
        let root = all.path().canonicalize().unwrap();
        let (work, outside) = (root.join("work"), root.join("outside"));
        std::fs::create_dir(&work).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("witness"), "untouched").unwrap();
        Some(Self {
            _all: all,
            work,
            outside,
            network: false,
            limits: CommandLimits::default(),
            processes,
        })
    }

    /// A command in the working folder, which it may change.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        Command {
            program: program.into(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            folder: Some(self.work.clone()),
            environment: Vec::new(),
            input: Bytes::new(),
            limits: self.limits,
            sandbox: Sandbox::Confined(Confinement {
                reads: Vec::new(),
                writes: vec![self.work.clone()],
                network: self.network,
            }),
        }
    }

    pub(crate) async fn run(&self, command: Command) -> Result<Ended, CommandFailure> {
        self.processes.run(command).await
    }

    /// What a script of the system's shell says, behind how it ended.
    pub(crate) async fn sh(&self, script: &str) -> String {
        told(self.run(self.command("/bin/sh", &["-c", script])).await)
    }

    /// The same of a program in Perl, which every Debian has.
    pub(crate) async fn perl(&self, script: &str) -> String {
        told(self.run(self.command("/usr/bin/perl", &["-e", script])).await)
    }

    /// Whether nothing outside has changed.
    pub(crate) fn untouched(&self) {
        let witness = self.outside.join("witness");
        assert_eq!(std::fs::read_to_string(&witness).unwrap(), "untouched");
        assert_eq!(std::fs::read_dir(&self.outside).unwrap().count(), 1);
        let mode = |path: &Path| {
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777
        };
        assert_ne!(mode(&witness), 0o777);
    }
}

pub(crate) fn told(ended: Result<Ended, CommandFailure>) -> String {
    match ended {
        Ok(ended) => {
            let said = String::from_utf8_lossy(&ended.output).into_owned();
            let complained = String::from_utf8_lossy(&ended.errors).into_owned();
            match (ended.code, ended.signal) {
                (Some(0), _) => format!("{said}{complained}"),
                (code, signal) => format!("[{code:?} {signal:?}] {said}{complained}"),
            }
        }
        Err(error) => format!("[failed] {error}"),
    }
}
