//! A process and everything it starts, as one group that is ended as a whole.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::command::{Command, CommandFailure, CommandLimits};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// A running group. Dropping it ends every process of it.
pub(super) struct Group {
    leader: Pid,
    /// Whether the leader's number may be somebody else's by now.
    reaped: Arc<Mutex<bool>>,
    child: Mutex<Option<Child>>,
}

/// Our ends of its standard streams.
pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    pub(super) errors: ChildStderr,
}

impl Group {
    /// Starts a command as the leader of a group of its own.
    pub(super) fn start(command: &Command) -> Result<(Self, Pipes), CommandFailure> {
        let not_started = |error: io::Error| CommandFailure::NotStarted(error.to_string());
        // A relative name would mean another file once the folder is another.
        let program = std::path::absolute(&command.program).map_err(not_started)?;
        let mut start = std::process::Command::new(program);
        start
            .args(&command.arguments)
            .env_clear()
            .envs(command.environment.iter().map(|(name, value)| (name, value.expose())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(folder) = &command.folder {
            start.current_dir(folder);
        }
        let mut child = start.spawn().map_err(not_started)?;
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(leader), (Some(input), Some(output), Some(errors))) = (leader, pipes) else {
            let lost = "the system gave it neither number nor streams".to_owned();
            return Err(CommandFailure::Lost(lost));
        };
        let group = Self { leader, reaped: Arc::default(), child: Mutex::new(Some(child)) };
        limit(leader, command.limits)?;
        Ok((group, Pipes { input, output, errors }))
    }

    /// Waits for the leader's end, which ends the others too.
    pub(super) fn ended(&self) -> BoxFuture<'static, Result<ExitStatus, CommandFailure>> {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (leader, reaped) = (self.leader, Arc::clone(&self.reaped));
        let waiting = tokio::task::spawn_blocking(move || {
            let mut child = child.ok_or_else(|| io::Error::other("it is waited for already"))?;
            wait(leader)?;
            let mut reaped = reaped.lock().unwrap_or_else(PoisonError::into_inner);
            // Until it is reaped its number is nobody else's, nor is the group's.
            end(leader);
            let status = child.wait();
            *reaped = true;
            status
        });
        let lost = |error: &dyn std::fmt::Display| CommandFailure::Lost(error.to_string());
        waiting
            .map(move |ended| match ended {
                Ok(Ok(status)) => Ok(status),
                Ok(Err(error)) => Err(lost(&error)),
                Err(error) => Err(lost(&error)),
            })
            .boxed()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            end(self.leader);
        }
        // A child that nobody waits for yet would stay behind as a zombie.
        let unheard = self.child.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = unheard {
            let _ = child.wait();
        }
    }
}

/// Ends every process of a group; one that is gone already has nobody left to end.
fn end(leader: Pid) {
    let _ = kill_process_group(leader, Signal::KILL);
}

/// Waits until the process has ended, and leaves it to be reaped.
fn wait(process: Pid) -> io::Result<()> {
    loop {
        match waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sets what each process of the group may use. It has begun to run by then, for a moment.
#[cfg(target_os = "linux")]
fn limit(leader: Pid, limits: CommandLimits) -> Result<(), CommandFailure> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let set = |resource, most: u64| {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        match prlimit(Some(leader), resource, limit) {
            // It may have ended already.
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(CommandFailure::Lost(format!("it cannot be limited: {error}"))),
        }
    };
    set(Resource::Core, 0)?;
    if let Some(processor) = limits.processor {
        set(Resource::Cpu, processor.as_secs().max(1))?;
    }
    limits.memory.map_or(Ok(()), |bytes| set(Resource::As, bytes))
}

#[cfg(not(target_os = "linux"))]
fn limit(_: Pid, limits: CommandLimits) -> Result<(), CommandFailure> {
    if limits.processor.is_none() && limits.memory.is_none() {
        return Ok(());
    }
    Err(CommandFailure::Lost("this system cannot limit it".to_owned()))
}
