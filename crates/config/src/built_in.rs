//! What built-in tools are told beside how they are run: folders, hosts, zones. Each tool takes keys
//! of its own, and another tool's key is as unknown to it as any.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use largestack_ports::egress::Block;

use crate::catalogue::Catalogue;
use crate::declared;
use crate::node::Node;
use crate::problem::Wrong;
use crate::read::{Fields, Read};
use crate::sandbox::{self, SandboxUse};
use crate::secret::SecretText;
use crate::show::Show;
use crate::value;

/// What a built-in tool is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOwn {
    /// The folder that files are in.
    pub root: Option<PathBuf>,
    /// Bytes of a file that are read or written.
    pub max_bytes: Option<u32>,
    /// The only hosts that may be asked; `None` for every public one.
    pub hosts: Option<Vec<Arc<str>>>,
    /// Networks that may be reached although they are not public.
    pub networks: Vec<Block>,
    /// Ports that may be asked; `None` for those of HTTP.
    pub ports: Option<Vec<u32>>,
    /// Characters of a page that are read at once.
    pub max_chars: Option<u32>,
    /// The search engine.
    pub engine: Option<Arc<str>>,
    /// The search engine's address, where it is one's own.
    pub url: Option<Arc<str>>,
    /// The time zone where none is named.
    pub zone: Option<Arc<str>>,
    /// The SQLite file that is asked.
    pub database: Option<PathBuf>,
    /// The Postgres server that is asked instead.
    pub server: Option<SecretText>,
    /// Commands that may be run: the program's file, and all words.
    pub allow: Vec<(PathBuf, Vec<String>)>,
    /// Rows that are returned.
    pub max_rows: Option<u32>,
    /// What commands may.
    pub sandbox: SandboxUse,
    /// What scripts may be written in; `None` for every language of the program.
    pub languages: Option<Vec<Arc<str>>>,
    /// The agent's tools that scripts may call.
    pub tools: Vec<Arc<str>>,
    /// How long a script may run itself.
    pub max_cpu: Option<Duration>,
    /// Bytes of memory of a script.
    pub max_memory: Option<u32>,
    /// Calls that a script may make.
    pub max_calls: Option<u32>,
}

/// What scripts may be written in.
const LANGUAGES: &[(&str, &str)] = &[("python", "python"), ("javascript", "javascript")];
/// The least memory that a script is given, in bytes.
const LEAST_MEMORY: u32 = 16 << 20;

impl Show for Block {
    fn show(&self) -> String {
        self.to_string()
    }
}

/// Reads the keys of a tool's own out of its group.
pub(crate) fn read(tool: &str, fields: &mut Fields<'_>, catalogue: &Catalogue<'_>) -> ToolOwn {
    let working = catalogue.working_folder;
    let mut own = ToolOwn::default();
    match tool {
        "read_file" | "list_files" | "write_file" => {
            own.root = path(fields, "root", "folder", working, Path::is_dir);
            if tool != "list_files" {
                own.max_bytes = fields.optional("max_bytes", value::whole(1, 64 << 20));
            }
        }
        "web_fetch" | "http_request" => {
            reach(fields, &mut own);
            own.max_chars = fields.optional("max_chars", value::whole(100, 1_000_000));
        }
        "web_search" => {
            own.engine = fields.optional("engine", value::some_text);
            own.url = fields.optional("url", value::some_text);
            own.networks = fields.list("networks", Vec::new(), block).value;
            own.ports = fields.optional_list("ports", value::whole(1, 65_535));
        }
        "current_time" => own.zone = fields.optional("zone", value::some_text),
        "sql_query" => {
            database(fields, &mut own, catalogue);
            own.max_rows = fields.optional("max_rows", value::whole(1, 10_000));
        }
        "shell" => {
            own.root = path(fields, "root", "folder", working, Path::is_dir);
            own.allow = allowed(fields, catalogue);
            own.sandbox = sandbox::read(fields, catalogue, false);
            own.max_bytes = fields.optional("max_bytes", value::whole(1, 64 << 20));
        }
        "code_execute" => scripts(fields, &mut own),
        _ => {}
    }
    own
}

/// What scripts of a model may.
fn scripts(fields: &mut Fields<'_>, own: &mut ToolOwn) {
    let language = |node: &Node| value::choice(LANGUAGES)(node).map(Arc::<str>::from);
    own.languages = fields.optional_list("languages", language);
    own.tools = fields.list("tools", Vec::new(), value::some_text).value;
    own.max_cpu = fields.optional("max_cpu", value::duration);
    own.max_memory = fields.optional("max_memory", value::whole(LEAST_MEMORY, u32::MAX));
    own.max_bytes = fields.optional("max_bytes", value::whole(1, 64 << 20));
    own.max_calls = fields.optional("max_calls", value::whole(1, 1000));
}

/// A file, or the address of a server, which may hold a password.
fn database(fields: &mut Fields<'_>, own: &mut ToolOwn, catalogue: &Catalogue<'_>) {
    let read = |node: &Node| {
        let text = value::some_text(node)?;
        SecretText::of(&text, catalogue.environment).map(Some)
    };
    let Read { value, source } = fields.required("database", read);
    let Some(text) = value else { return };
    let filled = text.value(catalogue.environment);
    let filled = filled.expose();
    if filled.starts_with("postgres://") || filled.starts_with("postgresql://") {
        own.server = Some(text);
        return;
    }
    let path = source.folder(catalogue.working_folder).join(filled);
    if !path.is_file() {
        let whole = fields.key("database");
        // What a variable says is not repeated.
        let detail = format!("there is no file {}", text.show());
        fields.report.wrong(&source, &whole, Wrong::value(detail));
    }
    own.database = Some(path);
}

/// Commands word by word, with their programs.
fn allowed(fields: &mut Fields<'_>, catalogue: &Catalogue<'_>) -> Vec<(PathBuf, Vec<String>)> {
    let folder = fields.source().folder(catalogue.working_folder);
    let list = fields.list("allow", Vec::new(), value::some_text);
    let key = fields.key("allow");
    if list.value.is_empty() {
        let source = fields.source().clone();
        fields.report.wrong(&source, &key, Wrong::Missing);
    }
    let mut allowed = Vec::with_capacity(list.value.len());
    for text in &list.value {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let early = words.iter().rev().skip(1).any(|word| word == "**");
        let program = match words.first() {
            Some(_) if early => {
                Err(Wrong::value(format!("`{text}`: `**` is the last word, or none")))
            }
            Some(word) => declared::program(word, &folder, catalogue.environment),
            None => continue,
        };
        match program {
            Ok(program) => allowed.push((program, words)),
            Err(wrong) => fields.report.wrong(&list.source, &key, wrong),
        }
    }
    allowed
}

fn reach(fields: &mut Fields<'_>, own: &mut ToolOwn) {
    own.hosts = fields.optional_list("hosts", value::some_text);
    own.networks = fields.list("networks", Vec::new(), block).value;
    own.ports = fields.optional_list("ports", value::whole(1, 65_535));
}

pub(crate) fn block(node: &Node) -> Result<Block, Wrong> {
    let text = value::some_text(node)?;
    text.parse()
        .map_err(|error: largestack_ports::egress::NotABlock| Wrong::value(error.to_string()))
}

/// A path that need not be said, and has to be there if it is.
pub(crate) fn optional_path(
    fields: &mut Fields<'_>,
    key: &'static str,
    kind: &str,
    catalogue: &Catalogue<'_>,
    exists: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let Read { value, source } = fields.get(key, None, |node| value::some_text(node).map(Some));
    let path = source.folder(catalogue.working_folder).join(&*value?);
    if !exists(&path) {
        let whole = fields.key(key);
        let detail = format!("there is no {kind} {}", path.display());
        fields.report.wrong(&source, &whole, Wrong::value(detail));
    }
    Some(path)
}

/// A path that has to be there, in both senses.
fn path(
    fields: &mut Fields<'_>,
    key: &'static str,
    kind: &str,
    working: &Path,
    exists: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let Read { value, source } = fields.required(key, |node| value::some_text(node).map(Some));
    let whole = fields.key(key);
    // What is missing has been reported.
    let written = value?;
    let path = source.folder(working).join(&*written);
    if !exists(&path) {
        let detail = format!("there is no {kind} {}", path.display());
        fields.report.wrong(&source, &whole, Wrong::value(detail));
    }
    Some(path)
}
