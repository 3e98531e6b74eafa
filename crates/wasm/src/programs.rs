//! Programs, read and compiled once for as long as their files stay the same.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use largestack_ports::command::CommandFailure;
use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstancePre, Linker, Module};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{WasiCtxView, WasiView};

use crate::limits::Memory;

/// What a program runs with.
pub(crate) struct Inside {
    pub(crate) wasi: WasiP1Ctx,
    pub(crate) memory: Memory,
}

impl WasiView for Inside {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

/// A program that is ready to run.
#[derive(Clone)]
pub(crate) enum Program {
    /// A component of the second system interface.
    Component(CommandPre<Inside>),
    /// A module of the first.
    Module(InstancePre<Inside>),
}

/// Largest file of a program, bytes.
const LARGEST: u64 = 64 << 20;

/// What tells a file from what it was before.
type Version = (u64, Option<SystemTime>);

/// Programs by their files.
pub(crate) struct Programs {
    pub(crate) engine: Engine,
    known: Mutex<HashMap<PathBuf, (Version, Program)>>,
}

impl Programs {
    pub(crate) fn new() -> Result<Self, CommandFailure> {
        let mut config = Config::new();
        // Fuel is what makes a program give the processor back; how much there is does not matter.
        config.consume_fuel(true);
        let engine = Engine::new(&config).map_err(|error| not_started(&error))?;
        Ok(Self { engine, known: Mutex::default() })
    }

    /// The program in a file; compiling one takes a while.
    pub(crate) fn get(&self, path: &Path) -> Result<Program, CommandFailure> {
        let unreadable = |error: std::io::Error| {
            CommandFailure::NotStarted(format!("{}: {error}", path.display()))
        };
        let file = std::fs::metadata(path).map_err(unreadable)?;
        if file.len() > LARGEST {
            return Err(CommandFailure::NotStarted(format!(
                "{} has {} bytes, and {LARGEST} are the most",
                path.display(),
                file.len()
            )));
        }
        let version = (file.len(), file.modified().ok());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, program)) = known().get(path)
            && *of == version
        {
            return Ok(program.clone());
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let program = self.compile(&bytes).map_err(|error| {
            CommandFailure::NotStarted(format!("{}: {error:#}", path.display()))
        })?;
        known().insert(path.to_owned(), (version, program.clone()));
        Ok(program)
    }

    fn compile(&self, bytes: &[u8]) -> wasmtime::Result<Program> {
        // The eighth byte tells a component from a module (component model, binary format).
        if bytes.get(4..8) == Some(&[0x0D, 0, 1, 0]) {
            let component = Component::from_binary(&self.engine, bytes)?;
            let mut linker = wasmtime::component::Linker::new(&self.engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            return CommandPre::new(linker.instantiate_pre(&component)?).map(Program::Component);
        }
        let module = Module::from_binary(&self.engine, bytes)?;
        let mut linker: Linker<Inside> = Linker::new(&self.engine);
        p1::add_to_linker_async(&mut linker, |inside| &mut inside.wasi)?;
        linker.instantiate_pre(&module).map(Program::Module)
    }
}

pub(crate) fn not_started(error: &wasmtime::Error) -> CommandFailure {
    CommandFailure::NotStarted(format!("{error:#}"))
}
