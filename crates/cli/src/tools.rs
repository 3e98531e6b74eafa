//! The tools that an agent's file names or makes, made.

use std::sync::Arc;

use largestack_code::{CodeExecute, CodeLimits, Language};
use largestack_config::{CommandUse, Declared, Environment, HttpUse, OpenApiUse, ToolOwn, ToolUse};
use largestack_guard::inject;
use largestack_ports::clock::Clock;
use largestack_ports::command::Commands;
use largestack_ports::database::{Database, QueryLimits};
use largestack_ports::egress::{Egress, Reach};
use largestack_ports::vault::Sensitive;
use largestack_store::SqliteFile;
use largestack_tools::command::{CommandAnswer, CommandTool};
use largestack_tools::files::{self, Files};
use largestack_tools::http_call::{HttpCall, NotATemplate};
use largestack_tools::openapi::OpenApi;
use largestack_tools::search::{self, Search, engines};
use largestack_tools::shell::{self, Allowed, Shell};
use largestack_tools::web::{self, Web};
use largestack_tools::{DynamicTool, calculator, sql, time, wait};
use largestack_types::errors::{Code, LargestackError, Result};

use crate::wasm;

/// What tools reach the outside by.
pub(crate) struct Outside {
    pub(crate) egress: Arc<dyn Egress>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commands: Arc<dyn Commands>,
    pub(crate) environment: Environment,
}

/// The tools that an entry of an agent's file names or makes; none for one that is made elsewhere.
/// What somebody else describes is told to a model as far as `injection` lets it.
pub(crate) fn made(
    named: &ToolUse,
    injection: inject::Policy,
    outside: &Outside,
) -> Result<Vec<DynamicTool>> {
    match &named.declared {
        Some(Declared::Command(command)) => {
            wasm::check(&named.name, &command.program)?;
            Ok(vec![command_of(named, command, outside)])
        }
        Some(Declared::Http(call)) => {
            let tool = call_of(named, call, outside);
            tool.map(|tool| vec![tool]).map_err(|error| wrong(named, &error.to_string()))
        }
        Some(Declared::OpenApi(service)) => operations_of(named, (service, injection), outside),
        // Made where there is a runtime for it.
        Some(Declared::Agent(_)) => Ok(Vec::new()),
        None => Ok(built_in(named, outside)?.into_iter().collect()),
    }
}

/// The tool that performs scripts, where an entry of an agent's file names it: by this program, started
/// again.
pub(crate) fn code(named: &ToolUse, outside: &Outside) -> Result<Option<CodeExecute>> {
    let own = &named.own;
    if &*named.name != largestack_code::NAME || named.declared.is_some() {
        return Ok(None);
    }
    let worker = std::env::current_exe()
        .map_err(|error| wrong(named, &format!("this program does not find itself: {error}")))?;
    let usual = CodeLimits::default();
    let limits = CodeLimits {
        time: own.max_cpu.unwrap_or(usual.time),
        memory: own.max_memory.map_or(usual.memory, u64::from),
        output: own.max_bytes.map_or(usual.output, |bytes| bytes as usize),
        calls: own.max_calls.unwrap_or(usual.calls),
        ..usual
    };
    let mut tool = CodeExecute::new(Arc::clone(&outside.commands), worker)
        .calling(own.tools.iter().cloned())
        .limits(limits);
    if let Some(names) = &own.languages {
        let named = |name: &Arc<str>| Language::ALL.iter().find(|(known, _)| **known == **name);
        tool = tool.languages(names.iter().filter_map(named).map(|(_, language)| *language));
    }
    Ok(Some(tool))
}

fn operations_of(
    named: &ToolUse,
    (described, injection): (&OpenApiUse, inject::Policy),
    outside: &Outside,
) -> Result<Vec<DynamicTool>> {
    let owned = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect();
    let mut service = OpenApi {
        server: described.server.as_ref().map(ToString::to_string),
        include: described.include.as_deref().map(owned),
        exclude: owned(&described.exclude),
        networks: described.networks.clone(),
        prefix: described.prefix.to_string(),
        injection,
        ..OpenApi::default()
    };
    for (name, text) in &described.headers.0 {
        let value = text.value(&outside.environment);
        if text.is_secret() {
            service.credentials.push((name.clone(), value));
        } else {
            service.headers.push((name.clone(), value.expose().to_owned()));
        }
    }
    let document = described.document.to().unwrap_or_default();
    service.tools(&document, &outside.egress).map_err(|error| {
        let file = described.file.display();
        match largestack_config::line_in_document(&described.file, &error.pointer) {
            Some(line) => wrong(named, &format!("{file}:{line}: {error}")),
            None => wrong(named, &format!("{file}: {error}")),
        }
    })
}

fn command_of(named: &ToolUse, described: &CommandUse, outside: &Outside) -> DynamicTool {
    let about = &described.about;
    let (name, description) = (Arc::clone(&named.name), Arc::clone(&about.description));
    let answer = if described.text { CommandAnswer::Text } else { CommandAnswer::Json };
    let mut tool =
        CommandTool::new(name, description, about.parameters.clone(), described.program.clone())
            .arguments(described.arguments.iter().cloned())
            .folder(described.folder.clone())
            .answer(answer)
            .limits(described.sandbox.limits(described.max_bytes))
            .sandbox(described.sandbox.sandbox(&described.folder, false))
            .idempotent(about.idempotent.unwrap_or(false));
    for (name, text) in &described.environment.0 {
        let value = text.value(&outside.environment);
        tool = if text.is_secret() {
            tool.secret(name.as_str(), value)
        } else {
            tool.variable(name.as_str(), value.expose())
        };
    }
    tool.tool(Arc::clone(&outside.commands))
}

fn call_of(
    named: &ToolUse,
    described: &HttpUse,
    outside: &Outside,
) -> std::result::Result<DynamicTool, NotATemplate> {
    let about = &described.about;
    let (name, description) = (Arc::clone(&named.name), Arc::clone(&about.description));
    let parameters = about.parameters.clone();
    let mut call = HttpCall::new(name, description, parameters, described.method, &described.url)?
        .networks(described.networks.clone());
    for (name, text) in &described.headers.0 {
        let value = text.value(&outside.environment);
        call = if text.is_secret() {
            call.credential(name.as_str(), value)
        } else {
            call.header(name.as_str(), value.expose())?
        };
    }
    if let Some(body) = &described.body {
        call = call.body(body.to().unwrap_or_default())?;
    }
    if let Some(pointer) = &described.result {
        call = call.result(&**pointer);
    }
    if let Some(idempotent) = about.idempotent {
        call = call.idempotent(idempotent);
    }
    call.tool(Arc::clone(&outside.egress))
}

fn built_in(named: &ToolUse, outside: &Outside) -> Result<Option<DynamicTool>> {
    let own = &named.own;
    let tool = match &*named.name {
        calculator::NAME => calculator::tool(),
        time::NAME => {
            let zone = own.zone.clone().unwrap_or_else(|| "UTC".into());
            if time::zone(&zone).is_none() {
                return Err(wrong(named, &format!("there is no time zone `{zone}`")));
            }
            time::tool(Arc::clone(&outside.clock), zone)
        }
        wait::EVENT => wait::event(),
        wait::SLEEP => wait::sleep(),
        files::READ => files::read(files_of(named)?),
        files::LIST => files::list(files_of(named)?),
        files::WRITE => files::write(files_of(named)?),
        web::FETCH => web::fetch(web_of(own, outside)),
        web::REQUEST => web::request(web_of(own, outside)),
        search::NAME => search::tool(search_of(named, outside)?),
        sql::NAME => {
            let mut limits = QueryLimits::default();
            if let Some(rows) = own.max_rows {
                limits.rows = rows as usize;
            }
            sql::tool(database_of(named, outside)?, limits)
        }
        shell::NAME => {
            let root = own.root.clone().ok_or_else(|| wrong(named, "`root` is missing"))?;
            for (program, _) in &own.allow {
                wasm::check(&named.name, program)?;
            }
            let allow = own.allow.iter().cloned();
            let allow = allow.map(|(program, words)| Allowed { program, words }).collect();
            let sandbox = own.sandbox.sandbox(&root, true);
            shell::tool(Shell {
                limits: own.sandbox.limits(own.max_bytes),
                sandbox,
                ..Shell::within(Arc::clone(&outside.commands), root, allow)
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(tool))
}

fn database_of(named: &ToolUse, outside: &Outside) -> Result<Arc<dyn Database>> {
    let own = &named.own;
    if let Some(server) = &own.server {
        return server_of(named, server.value(&outside.environment));
    }
    let path = own.database.clone().ok_or_else(|| wrong(named, "`database` is missing"))?;
    Ok(Arc::new(SqliteFile::at(path)))
}

#[cfg(feature = "postgres")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it fails")]
fn server_of(_: &ToolUse, url: Sensitive) -> Result<Arc<dyn Database>> {
    Ok(Arc::new(largestack_store::PostgresDatabase::at(url)))
}

#[cfg(not(feature = "postgres"))]
fn server_of(named: &ToolUse, _: Sensitive) -> Result<Arc<dyn Database>> {
    Err(wrong(named, "a Postgres server needs the feature `postgres`, which this program lacks"))
}

fn wrong(named: &ToolUse, why: &str) -> LargestackError {
    LargestackError::other(Code::Config, format!("tools.{}: {why}", named.name))
}

fn files_of(named: &ToolUse) -> Result<Files> {
    let root = named.own.root.clone().ok_or_else(|| wrong(named, "`root` is missing"))?;
    let mut files = Files::under(root);
    if let Some(bytes) = named.own.max_bytes {
        files.max_bytes = bytes as usize;
    }
    Ok(files)
}

fn reach_of(own: &ToolOwn) -> Reach {
    let mut reach = Reach { networks: own.networks.clone(), ..Reach::default() };
    reach.hosts = own.hosts.as_ref().map(|hosts| hosts.iter().map(ToString::to_string).collect());
    if let Some(ports) = &own.ports {
        reach.ports = ports.iter().filter_map(|port| u16::try_from(*port).ok()).collect();
    }
    reach
}

fn web_of(own: &ToolOwn, outside: &Outside) -> Web {
    let mut web = Web::open(Arc::clone(&outside.egress));
    web.reach = Arc::new(reach_of(own));
    if let Some(chars) = own.max_chars {
        web.max_chars = chars as usize;
    }
    web
}

fn search_of(named: &ToolUse, outside: &Outside) -> Result<Search> {
    let own = &named.own;
    let name = own.engine.as_deref().unwrap_or("duckduckgo");
    let engine = engines().get(name).ok_or_else(|| {
        let known = engines().keys().cloned().collect::<Vec<_>>().join(", ");
        wrong(named, &format!("there is no search engine `{name}`; there are {known}"))
    })?;
    if engine.url.is_none() && own.url.is_none() {
        return Err(wrong(named, &format!("`{name}` needs `url`: the address of your own")));
    }
    let key = engine.key_env.iter().find_map(|variable| outside.environment.variable(variable));
    Ok(Search {
        egress: Arc::clone(&outside.egress),
        engine,
        base_url: own.url.as_ref().map(ToString::to_string),
        key,
        reach: Arc::new(reach_of(own)),
    })
}
