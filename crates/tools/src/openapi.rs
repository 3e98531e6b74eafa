//! The operations of an OpenAPI 3.1 document as tools: one for each, named by its `operationId`, with
//! its parameters and JSON body as arguments. Of a document only what a call needs is read; a document
//! that cannot be used is refused with the place that is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use largestack_guard::inject;
use largestack_ports::egress::{Block, Egress, Errand, Reach};
use largestack_ports::tool::{ToolContext, ToolFailure};
use largestack_ports::vault::Sensitive;
use largestack_types::json::Json;
use largestack_types::label::Origin;
use serde_json::Value;

use crate::DynamicTool;
use crate::http_call::{
    Address, Arguments, IDEMPOTENCY_KEY, answered, capabilities, check_segment, header_value,
    is_idempotent,
};
use crate::web;

mod document;
mod operation;
mod schema;
mod screen;
mod style;

use document::Document;
pub use document::NotUsable;
use operation::{Operation, Place};

/// Operations that one document may give tools to.
pub const MAX_OPERATIONS: usize = 500;

/// Which operations of a document become tools, and how its service is reached.
#[derive(Clone, Debug, Default)]
pub struct OpenApi {
    /// The service's address; `None` for the first server of the document.
    pub server: Option<String>,
    /// The only operations that become tools, by `operationId`, `*` at the end for all that begin so;
    /// `None` for every one.
    pub include: Option<Vec<String>>,
    /// Operations that become none.
    pub exclude: Vec<String>,
    /// Headers of every call.
    pub headers: Vec<(String, String)>,
    /// Headers of every call that no redirect carries to another host, and nobody reads.
    pub credentials: Vec<(String, Sensitive)>,
    /// Networks that may be reached although they are not public.
    pub networks: Vec<Block>,
    /// What the tools' names begin with.
    pub prefix: String,
    /// What is done about names, descriptions and schemas that try to give orders: what it says of text
    /// that nobody vouches for.
    pub injection: inject::Policy,
}

/// Everything that a call of one operation needs.
struct Call {
    operation: Operation,
    /// Without a slash at its end.
    server: String,
    headers: Vec<(String, String)>,
    credentials: Vec<(String, Sensitive)>,
    reach: Arc<Reach>,
}

impl OpenApi {
    /// The tools of a document, in its order.
    pub fn tools(
        &self,
        document: &Value,
        egress: &Arc<dyn Egress>,
    ) -> Result<Vec<DynamicTool>, NotUsable> {
        let document = Document::of(document)?;
        let server = self.address(&document)?;
        let reach = Arc::new(Reach {
            hosts: Some(vec![server.1.host().to_owned()]),
            ports: vec![server.1.port()],
            networks: self.networks.clone(),
            ..Reach::default()
        });
        let operations = document.operations(|id| self.wants(id))?;
        self.check_names(&document)?;
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        let mut tools = Vec::with_capacity(operations.len());
        for operation in operations {
            let operation = screen::screened(self.injection, operation)?;
            let name = self.name(&operation)?;
            if let Some(other) = named.insert(name.clone(), operation.pointer.clone()) {
                let why = format!("becomes the tool `{name}`, as does {other}");
                return Err(NotUsable { pointer: operation.pointer, why });
            }
            tools.push(self.tool(name, operation, &server.0, &reach, egress));
        }
        Ok(tools)
    }

    fn wants(&self, id: &str) -> bool {
        let fits = |pattern: &String| fits(pattern, id);
        self.include.as_ref().is_none_or(|all| all.iter().any(fits))
            && !self.exclude.iter().any(fits)
    }

    /// A name that means no operation is a mistake: it would leave out, or in, what it was to name.
    fn check_names(&self, document: &Document<'_>) -> Result<(), NotUsable> {
        let ids = document.ids();
        let said = self.include.iter().flatten().chain(&self.exclude);
        match said.into_iter().find(|pattern| !ids.iter().any(|id| fits(pattern, id))) {
            Some(pattern) => {
                let why = format!("no operation is named `{pattern}`");
                Err(NotUsable { pointer: "/paths".to_owned(), why })
            }
            None => Ok(()),
        }
    }

    /// The address of the service, and what it says of its host.
    fn address(&self, document: &Document<'_>) -> Result<(String, Address), NotUsable> {
        let (written, pointer) = match &self.server {
            Some(server) => (server.clone(), String::new()),
            None => (document.server()?, "/servers/0/url".to_owned()),
        };
        let parsed = Address::parse(&written);
        let address = parsed.map_err(|error| NotUsable { pointer, why: error.to_string() })?;
        Ok((written.trim_end_matches('/').to_owned(), address))
    }

    fn name(&self, operation: &Operation) -> Result<String, NotUsable> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = format!("{}{}", self.prefix, operation.id).chars().map(plain).collect();
        if name.len() <= 64 {
            return Ok(name);
        }
        let why = format!("`{name}` is longer than the 64 characters that a tool's name may have");
        Err(NotUsable { pointer: operation.pointer.clone(), why })
    }

    fn tool(
        &self,
        name: String,
        operation: Operation,
        server: &str,
        reach: &Arc<Reach>,
        egress: &Arc<dyn Egress>,
    ) -> DynamicTool {
        let (description, parameters) = (operation.description.clone(), operation.schema.clone());
        let method = operation.method;
        let call = Arc::new(Call {
            operation,
            server: server.to_owned(),
            headers: self.headers.clone(),
            credentials: self.credentials.clone(),
            reach: Arc::clone(reach),
        });
        let egress = Arc::clone(egress);
        DynamicTool::new(name, description, parameters, move |context, arguments| {
            let (call, egress) = (Arc::clone(&call), Arc::clone(&egress));
            let errand = call.errand(&context, &arguments);
            async move {
                let fetched = egress.run(errand?).await.map_err(|error| web::failure(&error))?;
                answered(&fetched, None, call.credentials.iter().map(|(_, value)| value))
            }
        })
        .idempotent(is_idempotent(method))
        .origin(Origin::Web)
        .capabilities(capabilities(method))
    }
}

/// Whether an operation's name is what a pattern means.
fn fits(pattern: &str, id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => id.starts_with(beginning),
        None => pattern == id,
    }
}

impl Call {
    fn errand(&self, context: &ToolContext, arguments: &Json) -> Result<Errand, ToolFailure> {
        let arguments: Arguments = arguments
            .to()
            .map_err(|error| ToolFailure::new(format!("the arguments do not fit: {error}")))?;
        let url = format!("{}{}{}", self.server, self.path(&arguments)?, self.query(&arguments)?);
        let mut errand = web::errand(self.operation.method, &url, &self.reach);
        errand.accepts = &[];
        errand.headers.clone_from(&self.headers);
        errand.credentials.clone_from(&self.credentials);
        for parameter in self.operation.parameters.iter().filter(|p| p.place == Place::Header) {
            if let Some(value) = arguments.get(&parameter.argument).filter(|v| !v.is_null()) {
                let value = header_value(&parameter.name, style::plain(value, parameter.explode))?;
                errand.headers.push((parameter.name.clone(), value));
            }
        }
        if !is_idempotent(self.operation.method) {
            let key = (IDEMPOTENCY_KEY.to_owned(), context.idempotency_key.to_string());
            errand.headers.push(key);
        }
        let body = self.operation.body.as_ref().and_then(|name| arguments.get(name));
        if let Some(body) = body {
            errand.headers.push(("content-type".to_owned(), "application/json".to_owned()));
            errand.body = Some(Bytes::from(body.to_string()));
        }
        Ok(errand)
    }

    fn path(&self, arguments: &Arguments) -> Result<String, ToolFailure> {
        let mut path = String::new();
        for segment in self.operation.path.split('/').skip(1) {
            let mut filled = segment.to_owned();
            for parameter in self.operation.parameters.iter().filter(|p| p.place == Place::Path) {
                let mark = format!("{{{}}}", parameter.name);
                if !filled.contains(&mark) {
                    continue;
                }
                let value = arguments.get(&parameter.argument).filter(|value| !value.is_null());
                let value = value.ok_or_else(|| {
                    ToolFailure::new(format!("`{}` is part of the path", parameter.argument))
                })?;
                filled = filled.replace(&mark, &style::in_path(value, parameter.explode));
            }
            if segment.contains('{') {
                check_segment(&filled)?;
            }
            path.push('/');
            path.push_str(&filled);
        }
        Ok(path)
    }

    fn query(&self, arguments: &Arguments) -> Result<String, ToolFailure> {
        let mut pairs = Vec::new();
        for parameter in self.operation.parameters.iter().filter(|p| p.place == Place::Query) {
            if let Some(value) = arguments.get(&parameter.argument).filter(|v| !v.is_null()) {
                style::in_query(parameter, value, &mut pairs)?;
            }
        }
        Ok(if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) })
    }
}

#[cfg(test)]
mod tests;
