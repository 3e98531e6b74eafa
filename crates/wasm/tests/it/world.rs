//! Modules of WASI 0.1 written out, and one way to run them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::command::{
    Command, CommandFailure, CommandLimits, Commands, Confinement, Ended, Sandbox,
};
use largestack_types::time::Timestamp;
use largestack_wasm::WasmCommands;
use tempfile::TempDir;

/// What runs every other command: nobody.
struct Nobody;

impl Commands for Nobody {
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Ended, CommandFailure>> {
        let name = command.program.display().to_string();
        Box::pin(std::future::ready(Err(CommandFailure::NotStarted(format!("handed on: {name}")))))
    }
}

/// A clock on which a millisecond goes by between two looks: so every turn of a program takes one.
#[derive(Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A folder with programs.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) commands: WasmCommands,
}

impl World {
    pub(crate) fn new() -> Self {
        let commands = WasmCommands::new(Arc::new(Ticking::default()), Arc::new(Nobody)).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), commands }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program from its text.
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
        path
    }

    /// Runs a module whose `_start` is this.
    pub(crate) async fn run(
        &self,
        text: &str,
        change: impl FnOnce(&mut Command),
    ) -> Result<Ended, CommandFailure> {
        let program = self.program("program.wasm", &module(text));
        let mut command = command(&program);
        change(&mut command);
        self.commands.run(command).await
    }
}

pub(crate) fn command(program: &Path) -> Command {
    Command {
        program: program.to_owned(),
        arguments: Vec::new(),
        folder: None,
        environment: Vec::new(),
        input: Bytes::new(),
        limits: CommandLimits::default(),
        sandbox: Sandbox::default(),
    }
}

pub(crate) fn reads(paths: &[&Path], writes: &[&Path]) -> Sandbox {
    let owned = |paths: &[&Path]| paths.iter().map(|path| path.to_path_buf()).collect();
    Sandbox::Confined(Confinement { reads: owned(paths), writes: owned(writes), network: false })
}

/// A module that begins with this: what it imports, and some functions to say something.
pub(crate) fn module(start: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $prestat_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $say (param $to i32) (param $from i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 8))))
  ;; Reads up to 32 KiB from a descriptor to 4096, for how many.
  (func $hear (param $from i32) (result i32)
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 32768))
    (drop (call $fd_read (local.get $from) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  ;; Says what a folder is called.
  (func $named (param $folder i32)
    (drop (call $prestat (local.get $folder) (i32.const 16)))
    (drop (call $prestat_name (local.get $folder) (i32.const 4096) (i32.load (i32.const 20))))
    (call $say (i32.const 1) (i32.const 4096) (i32.load (i32.const 20))))
  ;; Opens the path at 1024 of this length under a descriptor, with these rights; the error ends it.
  (func $opened (param $under i32) (param $length i32) (param $flags i32) (param $rights i64) (result i32)
    (local $error i32)
    (local.set $error (call $open (local.get $under) (i32.const 1) (i32.const 1024) (local.get $length)
      (local.get $flags) (local.get $rights) (local.get $rights) (i32.const 0) (i32.const 16)))
    (if (local.get $error) (then (call $exit (local.get $error))))
    (i32.load (i32.const 16)))
  {start}
)"#
    )
}
