//! The port: commands whose program is WebAssembly, and others, which are somebody else's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::command::{
    Command, CommandFailure, Commands, Confinement, Ended, Sandbox, is_wasm,
};
use wasmtime::Store;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtxBuilder, WasiView as _};

use crate::folders;
use crate::kept::{Keep, Kept};
use crate::limits::{Memory, Timed};
use crate::programs::{Inside, Program, Programs, not_started};

/// Memory of a program where nothing is said, bytes.
const MEMORY: u64 = 256 << 20;
/// Most things of the system that a program has open, streams and folders included: files of this process,
/// which has a thousand on many machines.
const OPEN: usize = 256;
/// Random bytes that a program is given at once: they are made here before they are its own.
const RANDOM: u64 = 1 << 20;
/// How much of its work a program does before others get their turn: about a millisecond.
const TURN: u64 = 1_000_000;

/// Runs commands whose program's name ends with `.wasm`, and hands all others on.
///
/// A program reaches its input and output, its arguments and variables, clocks, random numbers, the
/// folder that it runs in and those that its [`Confinement`] names, whatever the system: what it opens is
/// never outside of them, `..` and links included. One that may open connections or is not to be
/// confined is refused: nothing of either is built in.
/// [`CommandLimits`](largestack_ports::command::CommandLimits) hold for output, errors, memory (256 MiB
/// unless said), time on the processor and open files (256 at most, folders and streams included); what
/// it writes into the folders it may change has no limit but theirs.
#[derive(Clone)]
pub struct WasmCommands {
    programs: Arc<Programs>,
    clock: Arc<dyn Clock>,
    others: Arc<dyn Commands>,
    hidden: Vec<PathBuf>,
}

impl WasmCommands {
    /// Runs WebAssembly here, and whatever else by `others`.
    ///
    /// # Errors
    ///
    /// [`CommandFailure::NotStarted`] on a machine that the compiler does not know.
    pub fn new(clock: Arc<dyn Clock>, others: Arc<dyn Commands>) -> Result<Self, CommandFailure> {
        Ok(Self { programs: Arc::new(Programs::new()?), clock, others, hidden: Vec::new() })
    }

    /// A file or folder that no program is given, nor any folder that holds it.
    #[must_use]
    pub fn hiding(mut self, path: impl Into<PathBuf>) -> Self {
        self.hidden.push(path.into());
        self
    }
}

impl Commands for WasmCommands {
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Ended, CommandFailure>> {
        if !is_wasm(&command.program) {
            return self.others.run(command);
        }
        let itself = self.clone();
        Box::pin(async move { itself.perform(command).await })
    }
}

impl WasmCommands {
    async fn perform(self, command: Command) -> Result<Ended, CommandFailure> {
        let confinement = confinement(&command.sandbox)?;
        let folders = folders::given(&command, confinement, &self.hidden)?;
        let programs = Arc::clone(&self.programs);
        let path = command.program.clone();
        let compiled = tokio::task::spawn_blocking(move || programs.get(&path)).await;
        let program = compiled.map_err(|error| CommandFailure::NotStarted(error.to_string()))??;

        let limits = command.limits;
        let (output, errors) =
            (Kept::new(Keep::Whole, limits.output), Kept::new(Keep::End, limits.errors));
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdin(MemoryInputPipe::new(command.input))
            .stdout(output.clone())
            .stderr(errors.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(RANDOM);
        wasi.arg(command.program.file_name().unwrap_or_default().to_string_lossy());
        wasi.args(&command.arguments);
        for (name, value) in &command.environment {
            wasi.env(name, value.expose());
        }
        for folder in &folders {
            let may = if folder.writes { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            wasi.preopened_dir(&folder.path, &folder.name, may)
                .map_err(|error| not_started(&error))?;
        }
        let most = usize::try_from(limits.memory.unwrap_or(MEMORY)).unwrap_or(usize::MAX);
        let mut inside = Inside { wasi: wasi.build_p1(), memory: Memory::of(most) };
        let open = usize::try_from(limits.open_files).unwrap_or(OPEN).min(OPEN);
        inside.wasi.ctx().table.set_max_capacity(open);
        let mut store = Store::new(&self.programs.engine, inside);
        store.limiter(|inside| &mut inside.memory);
        // What it hands to this process at a time is held beside its own memory.
        store.set_hostcall_fuel(most.min(store.hostcall_fuel()));
        let fuelled = store.set_fuel(u64::MAX);
        fuelled
            .and_then(|()| store.fuel_async_yield_interval(Some(TURN)))
            .map_err(|error| not_started(&error))?;

        let future = Box::pin(async move { call(program, store).await });
        let left = limits.processor.unwrap_or(Duration::MAX);
        let ended = Timed { future, clock: self.clock, left }.await;
        let said = output.bytes().ok_or(CommandFailure::TooMuch(limits.output))?;
        let errors = errors.bytes().unwrap_or_default();
        let code = match ended {
            Some(Ok(code)) => code,
            Some(Err(error)) => return Err(CommandFailure::Stopped { why: why(&error), errors }),
            None => {
                let seconds = left.as_secs_f64();
                let why = format!("it has had its {seconds} s on the processor");
                return Err(CommandFailure::Stopped { why, errors });
            }
        };
        Ok(Ended { code: Some(code), signal: None, output: said, errors })
    }
}

/// What a program is confined to.
fn confinement(sandbox: &Sandbox) -> Result<&Confinement, CommandFailure> {
    let refused = |why: &str| Err(CommandFailure::Unconfined(why.to_owned()));
    match sandbox {
        Sandbox::None => refused("WebAssembly has no way to be run unconfined"),
        Sandbox::Confined(confinement) if confinement.network => {
            refused("WebAssembly opens no connections here")
        }
        Sandbox::Confined(confinement) => Ok(confinement),
    }
}

/// Runs a program to its end, for its exit code.
async fn call(program: Program, mut store: Store<Inside>) -> wasmtime::Result<i32> {
    let ended = match program {
        Program::Component(component) => {
            let instance = component.instantiate_async(&mut store).await?;
            let ended = instance.wasi_cli_run().call_run(&mut store).await;
            ended.map(|said| i32::from(said.is_err()))
        }
        Program::Module(module) => {
            let instance = module.instantiate_async(&mut store).await?;
            let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
            start.call_async(&mut store, ()).await.map(|()| 0)
        }
    };
    ended.or_else(|error| match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(code)) => Ok(*code),
        None => Err(error),
    })
}

/// Why a program was stopped.
fn why(error: &wasmtime::Error) -> String {
    let trap = error.downcast_ref::<wasmtime::Trap>().map(ToString::to_string);
    trap.unwrap_or_else(|| error.root_cause().to_string())
}
