//! What commands of tools may reach and use: confined unless the file says otherwise in as many words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use largestack_ports::command::{CommandLimits, Confinement, Sandbox};

use crate::catalogue::Catalogue;
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// The least memory that programs start with, in bytes.
const LEAST_MEMORY: u32 = 16 << 20;
/// Processor time of each process where nothing is said.
const PROCESSOR: Duration = Duration::from_secs(30);
/// Bytes of memory of each process where nothing is said: runtimes reserve more than they use.
const MEMORY: u32 = 2 << 30;
/// Bytes of memory of WebAssembly where nothing is said: it uses what it reserves.
const WASM_MEMORY: u32 = 256 << 20;

/// What a tool's commands may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxUse {
    /// Whether they are confined; if not, the rest means nothing.
    pub confined: bool,
    /// What they may read beside the system's programs and the tool's folder.
    pub reads: Vec<PathBuf>,
    /// What they may change beside the tool's folder.
    pub writes: Vec<PathBuf>,
    /// Whether they may open connections.
    pub network: bool,
    /// Processor time of each process.
    pub processor: Duration,
    /// Bytes of memory of each process.
    pub memory: u32,
    /// Processes at one time.
    pub processes: u32,
}

impl Default for SandboxUse {
    fn default() -> Self {
        Self {
            confined: true,
            reads: Vec::new(),
            writes: Vec::new(),
            network: false,
            processor: PROCESSOR,
            memory: MEMORY,
            processes: CommandLimits::default().processes,
        }
    }
}

impl SandboxUse {
    /// What a command may reach, in a folder that it may change or only read.
    pub fn sandbox(&self, folder: &Path, changes: bool) -> Sandbox {
        if !self.confined {
            return Sandbox::None;
        }
        let mut confinement = Confinement {
            reads: self.reads.clone(),
            writes: self.writes.clone(),
            network: self.network,
        };
        let folders = if changes { &mut confinement.writes } else { &mut confinement.reads };
        folders.push(folder.to_owned());
        Sandbox::Confined(confinement)
    }

    /// Every path in it.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.reads.iter_mut().chain(&mut self.writes)
    }

    /// What a command may use, with this many bytes of output.
    pub fn limits(&self, output: Option<u32>) -> CommandLimits {
        let usual = CommandLimits::default();
        let limited = self.confined || cfg!(target_os = "linux");
        CommandLimits {
            output: output.map_or(usual.output, |bytes| bytes as usize),
            processor: limited.then_some(self.processor),
            memory: self.confined.then_some(self.memory.into()),
            processes: self.processes,
            ..usual
        }
    }
}

const MODES: &[(&str, Mode)] = &[("confined", Mode::Confined), ("none", Mode::None)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Confined,
    None,
}

impl Show for Mode {
    fn show(&self) -> String {
        if *self == Self::Confined { "confined".to_owned() } else { "none".to_owned() }
    }
}

/// Reads the keys out of a tool's group. `wasm` is whether its program is WebAssembly, which is given
/// folders and nothing else: what can have no meaning for it is refused.
pub(crate) fn read(fields: &mut Fields<'_>, catalogue: &Catalogue<'_>, wasm: bool) -> SandboxUse {
    let usual = SandboxUse::default();
    let memory = if wasm { WASM_MEMORY } else { usual.memory };
    let mode = fields.get("sandbox", Mode::Confined, value::choice(MODES));
    let network = fields.get("network", usual.network, value::boolean);
    let processes = fields.get("max_processes", usual.processes, value::whole(1, 4096));
    if wasm {
        let mut refuse = |key: &str, source: &Source, why: &str, advice: &str| {
            let (detail, advice) = (why.to_owned(), Some(advice.to_owned()));
            let whole = fields.key(key);
            fields.report.wrong(source, &whole, Wrong::Value { detail, advice });
        };
        if mode.value == Mode::None {
            let why = "WebAssembly cannot be run unconfined";
            refuse("sandbox", &mode.source, why, "Name what it may reach in `reads` and `writes`");
        }
        if network.value {
            let why = "WebAssembly opens no connections here";
            let advice =
                "Call services by a tool with `http`, or build the program for this machine";
            refuse("network", &network.source, why, advice);
        }
        if processes.source != Source::Default {
            let why = "WebAssembly begins no processes";
            refuse("max_processes", &processes.source, why, "Remove the key");
        }
    }
    SandboxUse {
        confined: mode.value == Mode::Confined,
        reads: paths(fields, "reads", catalogue, wasm),
        writes: paths(fields, "writes", catalogue, wasm),
        network: network.value,
        processor: fields.get("max_cpu", usual.processor, value::duration).value,
        memory: fields.get("max_memory", memory, value::whole(LEAST_MEMORY, u32::MAX)).value,
        processes: processes.value,
    }
}

/// Paths that have to be there, and to be folders where only those can be given.
fn paths(
    fields: &mut Fields<'_>,
    key: &'static str,
    catalogue: &Catalogue<'_>,
    folders: bool,
) -> Vec<PathBuf> {
    let list = fields.list(key, Vec::new(), value::some_text);
    let folder = list.source.folder(catalogue.working_folder);
    let paths: Vec<PathBuf> = list.value.iter().map(|path| folder.join(&**path)).collect();
    for path in &paths {
        let detail = match () {
            () if !path.exists() => format!("there is no {}", path.display()),
            () if folders && !path.is_dir() => {
                format!("{} is no folder, and WebAssembly is given folders", path.display())
            }
            () => continue,
        };
        let whole = fields.key(key);
        fields.report.wrong(&list.source, &whole, Wrong::value(detail));
    }
    paths
}
