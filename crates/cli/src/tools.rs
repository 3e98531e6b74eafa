//! The built-in tools as an agent's file describes them, made.

use std::sync::Arc;

use largestack_config::{Environment, ToolOwn, ToolUse};
use largestack_ports::clock::Clock;
use largestack_ports::database::QueryLimits;
use largestack_ports::egress::{Egress, Reach};
use largestack_store::SqliteFile;
use largestack_tools::files::{self, Files};
use largestack_tools::search::{self, Search, engines};
use largestack_tools::web::{self, Web};
use largestack_tools::{BuiltIn, calculator, sql, time};
use largestack_types::errors::{Code, LargestackError, Result};

/// What tools reach the outside by.
pub(crate) struct Outside {
    pub(crate) egress: Arc<dyn Egress>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) environment: Environment,
}

/// The tool that an agent's file names; `None` for one that is made elsewhere.
pub(crate) fn built_in(named: &ToolUse, outside: &Outside) -> Result<Option<BuiltIn>> {
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
        files::READ => files::read(files_of(named)?),
        files::LIST => files::list(files_of(named)?),
        files::WRITE => files::write(files_of(named)?),
        web::FETCH => web::fetch(web_of(own, outside)),
        web::REQUEST => web::request(web_of(own, outside)),
        search::NAME => search::tool(search_of(named, outside)?),
        sql::NAME => {
            let path = own.database.clone().ok_or_else(|| wrong(named, "`database` is missing"))?;
            let mut limits = QueryLimits::default();
            if let Some(rows) = own.max_rows {
                limits.rows = rows as usize;
            }
            sql::tool(Arc::new(SqliteFile::at(path)), limits)
        }
        _ => return Ok(None),
    };
    Ok(Some(tool))
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
