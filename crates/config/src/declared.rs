//! Tools that an agent's file makes: commands, calls of services, all operations of a service, other
//! agents. What makes one decides which
//! keys it takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_ports::command::is_wasm;
use largestack_ports::egress::Block;
use largestack_ports::vault::Sensitive;
use largestack_types::json::Json;

use crate::built_in;
use crate::catalogue::Catalogue;
use crate::document;
use crate::environment::Environment;
use crate::locate::AGENT_FILE;
use crate::node::{Node, Value};
use crate::problem::Wrong;
use crate::project::Words;
use crate::read::Fields;
use crate::sandbox::{self, SandboxUse};
use crate::secret::SecretTexts;
use crate::show::Show;
use crate::value;

/// A tool that the file makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Declared {
    /// A command.
    Command(Box<CommandUse>),
    /// A call of a service.
    Http(Box<HttpUse>),
    /// The operations of a service, each a tool.
    OpenApi(Box<OpenApiUse>),
    /// Another agent.
    Agent(AgentUse),
}

/// What every tool that a file makes says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// What it does, for the model.
    pub description: Arc<str>,
    /// JSON Schema of its arguments.
    pub parameters: Json,
    /// Whether running it twice is running it once; `None` for what follows from what it is.
    pub idempotent: Option<bool>,
}

/// A command as a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandUse {
    /// What it says of itself.
    pub about: About,
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// What it may reach and use.
    pub sandbox: SandboxUse,
    /// Its environment.
    pub environment: SecretTexts,
    /// Whether its output is text and no JSON.
    pub text: bool,
    /// Bytes that it may write; `None` for the usual.
    pub max_bytes: Option<u32>,
}

/// A call of a service as a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpUse {
    /// What it says of itself.
    pub about: About,
    /// The method.
    pub method: &'static str,
    /// The address with `{arguments}`.
    pub url: Arc<str>,
    /// Headers with `{arguments}` or variables.
    pub headers: SecretTexts,
    /// The body with `{arguments}`.
    pub body: Option<Json>,
    /// Where the result stands.
    pub result: Option<Arc<str>>,
    /// Networks that may be reached although they are not public.
    pub networks: Vec<Block>,
}

/// The operations of a service as tools.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenApiUse {
    /// The document's file.
    pub file: PathBuf,
    /// What it says.
    pub document: Json,
    /// The service's address; `None` for the document's first.
    pub server: Option<Arc<str>>,
    /// The only operations that become tools; `None` for every one.
    pub include: Option<Vec<Arc<str>>>,
    /// Operations that become none.
    pub exclude: Vec<Arc<str>>,
    /// Headers of every call.
    pub headers: SecretTexts,
    /// What the tools' names begin with.
    pub prefix: Arc<str>,
    /// Networks that may be reached although they are not public.
    pub networks: Vec<Block>,
}

/// Another agent as a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentUse {
    /// What it does, for the model.
    pub description: Arc<str>,
    /// Its file.
    pub file: PathBuf,
}

/// What makes a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Command,
    Http,
    OpenApi,
    Agent,
}

/// The key that makes each kind.
const KINDS: &[(&str, Kind)] = &[
    ("command", Kind::Command),
    ("http", Kind::Http),
    ("openapi", Kind::OpenApi),
    ("agent", Kind::Agent),
];

const METHODS: &[(&str, &str)] = &[
    ("GET", "GET"),
    ("HEAD", "HEAD"),
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("PATCH", "PATCH"),
    ("DELETE", "DELETE"),
];
const ANSWERS: &[(&str, Answer)] = &[("json", Answer::Json), ("text", Answer::Text)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Json,
    Text,
}

impl Show for Answer {
    fn show(&self) -> String {
        if *self == Self::Json { "json".to_owned() } else { "text".to_owned() }
    }
}

/// What a tool's group makes, if anything.
pub(crate) fn kind(node: &Node) -> Option<Kind> {
    let Value::Map(entries) = &node.value else { return None };
    let made = KINDS.iter().find(|(key, _)| entries.iter().any(|entry| entry.is(key)));
    made.map(|(_, kind)| *kind)
}

/// A name that a model can call, and that is nobody else's.
pub(crate) fn check_name(name: &str, catalogue: &Catalogue<'_>) -> Result<(), Wrong> {
    if catalogue.check_tool(name).is_ok() {
        return Err(Wrong::value(format!("`{name}` is the name of a built-in tool")));
    }
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if fits {
        Ok(())
    } else {
        Err(Wrong::value(format!("`{name}` cannot name a tool: 1 to 64 letters, digits, _ and -")))
    }
}

/// Reads the keys of a tool that the file makes.
pub(crate) fn read(
    kind: Kind,
    fields: &mut Fields<'_>,
    catalogue: &Catalogue<'_>,
) -> Option<Declared> {
    Some(match kind {
        Kind::Command => Declared::Command(Box::new(command(about(fields), fields, catalogue)?)),
        Kind::Http => Declared::Http(Box::new(http(about(fields), fields, catalogue.environment))),
        Kind::Agent => Declared::Agent(agent(fields, catalogue)),
        Kind::OpenApi => Declared::OpenApi(Box::new(openapi(fields, catalogue)?)),
    })
}

fn about(fields: &mut Fields<'_>) -> About {
    let none =
        || Json::vouched(r#"{"type":"object","properties":{},"additionalProperties":false}"#);
    About {
        description: fields.required("description", value::some_text).value,
        parameters: fields.optional("parameters", value::schema).unwrap_or_else(none),
        idempotent: fields.optional("idempotent", value::boolean),
    }
}

fn command(about: About, fields: &mut Fields<'_>, catalogue: &Catalogue<'_>) -> Option<CommandUse> {
    let folder_of_file = fields.source().folder(catalogue.working_folder);
    let words = fields.list("command", Vec::new(), value::text);
    let (words, source) = (words.value, words.source);
    let key = fields.key("command");
    let mut words = words.into_iter();
    let program = match words.next().filter(|word| !word.is_empty()) {
        Some(word) => program(&word, &folder_of_file, catalogue.environment),
        None => Err(Wrong::value("names no program")),
    };
    let folder = built_in::optional_path(fields, "folder", "folder", catalogue, Path::is_dir);
    let environment = secrets(fields, "env", catalogue.environment);
    let answer = fields.get("answer", Answer::Json, value::choice(ANSWERS)).value;
    let max_bytes = fields.optional("max_bytes", value::whole(1, 64 << 20));
    let wasm = program.as_deref().is_ok_and(is_wasm);
    let sandbox = sandbox::read(fields, catalogue, wasm);
    match program {
        Ok(program) => Some(CommandUse {
            about,
            program,
            arguments: words.map(|word| word.as_ref().to_owned()).collect(),
            sandbox,
            folder: folder.unwrap_or(folder_of_file),
            environment,
            text: answer == Answer::Text,
            max_bytes,
        }),
        Err(wrong) => {
            fields.report.wrong(&source, &key, wrong);
            None
        }
    }
}

/// The file of a program: a path from the folder of the agent's file, or a name that is looked for
/// where the user's own shell would look. WebAssembly is no program to the system, and nobody has to be
/// allowed to run its file.
pub(crate) fn program(
    word: &str,
    folder: &Path,
    environment: &Environment,
) -> Result<PathBuf, Wrong> {
    if word.contains('/') {
        let path = folder.join(word);
        let wrong = |what: &str| Err(Wrong::value(what.replace("{}", &path.display().to_string())));
        return match () {
            () if !path.is_file() => wrong("there is no program {}"),
            () if !is_wasm(&path) && !may_run(&path) => {
                wrong("{} is a file that nobody may run: chmod +x {}")
            }
            () => Ok(path),
        };
    }
    let places = environment.variable("PATH");
    let places = places.as_ref().map(Sensitive::expose).unwrap_or_default();
    let found = std::env::split_paths(places)
        .filter(|place| place.is_absolute())
        .map(|place| place.join(word))
        .find(|path| path.is_file() && may_run(path));
    found.ok_or_else(|| Wrong::Value {
        detail: format!("there is no program `{word}` in the folders of PATH"),
        advice: Some("Write a path to it, such as ./bin/tool".to_owned()),
    })
}

#[cfg(unix)]
fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn may_run(_: &Path) -> bool {
    true
}

fn http(about: About, fields: &mut Fields<'_>, environment: &Environment) -> HttpUse {
    let networks = fields.list("networks", Vec::new(), built_in::block).value;
    let mut call = fields.section("http");
    let http = HttpUse {
        about,
        url: call.required("url", value::some_text).value,
        method: call.get("method", "GET", value::choice(METHODS)).value,
        headers: secrets(&mut call, "headers", environment),
        body: call.optional("body", value::object),
        result: call.optional("result", pointer),
        networks,
    };
    call.finish();
    http
}

fn agent(fields: &mut Fields<'_>, catalogue: &Catalogue<'_>) -> AgentUse {
    let description = fields.required("description", value::some_text).value;
    let is_agent = |path: &Path| path.is_file() || path.join(AGENT_FILE).is_file();
    let file = built_in::optional_path(fields, "agent", "agent", catalogue, is_agent);
    let file = file.unwrap_or_default();
    let file = if file.is_dir() { file.join(AGENT_FILE) } else { file };
    AgentUse { description, file }
}

fn openapi(fields: &mut Fields<'_>, catalogue: &Catalogue<'_>) -> Option<OpenApiUse> {
    let networks = fields.list("networks", Vec::new(), built_in::block).value;
    let mut section = fields.section("openapi");
    let written = section.required("document", |node| value::some_text(node).map(Some));
    let server = section.optional("server", value::some_text);
    let include = section.optional_list("include", value::some_text);
    let exclude = section.list("exclude", Vec::new(), value::some_text).value;
    let headers = secrets(&mut section, "headers", catalogue.environment);
    let prefix = section.get("prefix", "".into(), value::text).value;
    let key = section.key("document");
    section.finish();
    let file = written.source.folder(catalogue.working_folder).join(&*written.value?);
    match document::read(&file) {
        Ok(document) => {
            Some(OpenApiUse { file, document, server, include, exclude, headers, prefix, networks })
        }
        Err(wrong) => {
            fields.report.wrong(&written.source, &key, wrong);
            None
        }
    }
}

/// A JSON pointer (RFC 6901).
fn pointer(node: &Node) -> Result<Arc<str>, Wrong> {
    let text = value::text(node)?;
    if text.is_empty() || text.starts_with('/') {
        Ok(text)
    } else {
        Err(Wrong::value("is no JSON pointer, which begins with `/`"))
    }
}

/// Texts by name whose variables are filled in where they are used.
fn secrets(fields: &mut Fields<'_>, key: &'static str, environment: &Environment) -> SecretTexts {
    let read = |node: &Node| {
        let words: Words = value::group(node)?;
        SecretTexts::of(words.0, environment)
    };
    fields.optional(key, read).unwrap_or_default()
}
