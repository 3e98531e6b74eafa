//! Tools that are calls of one HTTP service: the address, headers and body are templates, and each
//! argument is encoded for the place it stands in. Which host is asked is never up to the model.

use std::sync::Arc;

use bytes::Bytes;
use largestack_ports::egress::{Egress, Errand, Reach};
use largestack_ports::tool::{Capability, ToolContext, ToolFailure};
use largestack_ports::vault::Sensitive;
use largestack_types::json::Json;
use largestack_types::label::Origin;
use serde_json::{Map, Value};

use crate::DynamicTool;
use crate::web;

mod answer;
mod body;
mod template;

pub(crate) use answer::answered;
pub use template::NotATemplate;
pub(crate) use template::{Address, check_segment, said};
use template::{Text, plain};

/// The values of a call, by name.
pub(crate) type Arguments = Map<String, Value>;
/// The header that says the same at every attempt of a call that is repeated
/// (draft-ietf-httpapi-idempotency-key-header).
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Methods that a service may be asked with.
pub const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// A call of an HTTP service that is a tool.
#[derive(Clone, Debug)]
pub struct HttpCall {
    name: Arc<str>,
    description: Arc<str>,
    parameters: Json,
    idempotent: Option<bool>,
    method: Arc<str>,
    address: Address,
    headers: Vec<(String, Text)>,
    credentials: Vec<(String, Sensitive)>,
    body: Option<Value>,
    result: Option<String>,
    reach: Reach,
}

impl HttpCall {
    /// A call with a method and an address such as `https://api.example.com/cities/{city}?days={days}`.
    /// Scheme, host and port stand there as they are; an argument in the path is one segment of it or
    /// a part of one; a pair of the query whose argument is absent is left out, and a list becomes as
    /// many pairs. `{{` and `}}` stand for braces.
    pub fn new(
        name: impl Into<Arc<str>>,
        description: impl Into<Arc<str>>,
        parameters: Json,
        method: &str,
        url: &str,
    ) -> Result<Self, NotATemplate> {
        let Some(method) = METHODS.iter().find(|known| known.eq_ignore_ascii_case(method)) else {
            return Err(NotATemplate(format!("`{method}` is none of {}", METHODS.join(", "))));
        };
        let address = Address::parse(url)?;
        let reach = Reach {
            hosts: Some(vec![address.host().to_owned()]),
            ports: vec![address.port()],
            ..Reach::default()
        };
        Ok(Self {
            name: name.into(),
            description: description.into(),
            parameters,
            idempotent: None,
            method: (*method).into(),
            address,
            headers: Vec::new(),
            credentials: Vec::new(),
            body: None,
            result: None,
            reach,
        })
    }

    /// Adds a header, whose value may name arguments. It is left out where one of them is absent.
    pub fn header(mut self, name: impl Into<String>, value: &str) -> Result<Self, NotATemplate> {
        self.headers.push((name.into(), Text::parse(value)?));
        Ok(self)
    }

    /// Adds a header that no redirect carries to another host, and nobody reads.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>, value: Sensitive) -> Self {
        self.credentials.push((name.into(), value));
        self
    }

    /// The body, as JSON: a text that is one `{argument}` becomes its value, one among words its
    /// text; a key or an item whose argument is absent is left out. Without this, methods with a body
    /// send an object of the arguments that stand nowhere else.
    pub fn body(mut self, body: Value) -> Result<Self, NotATemplate> {
        body::check(&body)?;
        self.body = Some(body);
        Ok(self)
    }

    /// Where the result stands in the JSON that comes back, as a JSON pointer (RFC 6901).
    #[must_use]
    pub fn result(mut self, pointer: impl Into<String>) -> Self {
        self.result = Some(pointer.into());
        self
    }

    /// Networks that may be reached although they are not public.
    #[must_use]
    pub fn networks(mut self, networks: Vec<largestack_ports::egress::Block>) -> Self {
        self.reach.networks = networks;
        self
    }

    /// Whether asking twice with one key has the effect of asking once; by default what RFC 9110
    /// (9.2.2) says of the method.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// The tool. What it may do follows from its method. Arguments that stand somewhere have to be
    /// among the parameters, and those of the path among the required ones.
    pub fn tool(self, egress: Arc<dyn Egress>) -> Result<DynamicTool, NotATemplate> {
        self.check()?;
        let (name, description) = (Arc::clone(&self.name), Arc::clone(&self.description));
        let idempotent = self.idempotent.unwrap_or_else(|| is_idempotent(&self.method));
        let (parameters, may) = (self.parameters.clone(), capabilities(&self.method));
        let (itself, reach) = (Arc::new(self.clone()), Arc::new(self.reach));
        let tool = DynamicTool::new(name, description, parameters, move |context, arguments| {
            let (itself, egress) = (Arc::clone(&itself), Arc::clone(&egress));
            let errand = itself.errand(&context, &arguments, &reach);
            async move {
                let fetched = egress.run(errand?).await.map_err(|error| web::failure(&error))?;
                let secrets = itself.credentials.iter().map(|(_, value)| value);
                answered(&fetched, itself.result.as_deref(), secrets)
            }
        });
        Ok(tool.idempotent(idempotent).origin(Origin::Web).capabilities(may))
    }

    fn check(&self) -> Result<(), NotATemplate> {
        let schema: Value = self
            .parameters
            .to()
            .map_err(|error| NotATemplate(format!("the parameters are no schema: {error}")))?;
        let known =
            |name: &str| schema.pointer("/properties").is_some_and(|all| all.get(name).is_some());
        let required = schema.get("required").and_then(Value::as_array);
        let must = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let mut names: Vec<&str> = self.address.arguments().collect();
        names.extend(self.headers.iter().flat_map(|(_, text)| text.arguments()));
        let in_body = self.body.as_ref().map(body::arguments).unwrap_or_default();
        names.extend(in_body.iter().map(String::as_str));
        if let Some(name) = names.into_iter().find(|name| !known(name)) {
            return Err(NotATemplate(format!("`{name}` is not among the parameters")));
        }
        match self.address.of_path().find(|name| !must(name)) {
            Some(name) => {
                let why = "is part of the address's path and has to be `required`";
                Err(NotATemplate(format!("`{name}` {why}")))
            }
            None => Ok(()),
        }
    }

    fn errand(
        &self,
        context: &ToolContext,
        arguments: &Json,
        reach: &Arc<Reach>,
    ) -> Result<Errand, ToolFailure> {
        let arguments: Arguments = arguments
            .to()
            .map_err(|error| ToolFailure::new(format!("the arguments do not fit: {error}")))?;
        let mut errand = web::errand(&self.method, &self.address.filled(&arguments)?, reach);
        errand.accepts = &[];
        for (name, template) in &self.headers {
            if let Some(value) = template.filled(&arguments, plain) {
                errand.headers.push((name.clone(), header_value(name, value)?));
            }
        }
        errand.credentials.clone_from(&self.credentials);
        if matches!(&*self.method, "POST" | "PATCH") {
            let key = (IDEMPOTENCY_KEY.to_owned(), context.idempotency_key.to_string());
            errand.headers.push(key);
        }
        if let Some(body) = self.body_of(&arguments) {
            errand.headers.push(("content-type".to_owned(), "application/json".to_owned()));
            errand.body = Some(Bytes::from(body.to_string()));
        }
        Ok(errand)
    }

    fn body_of(&self, arguments: &Arguments) -> Option<Value> {
        if let Some(template) = &self.body {
            return Some(body::filled(template, arguments).unwrap_or(Value::Null));
        }
        if !matches!(&*self.method, "POST" | "PUT" | "PATCH") {
            return None;
        }
        let placed = |name: &String| {
            self.address.names(name) || self.headers.iter().any(|(_, text)| text.names(name))
        };
        let left = arguments.iter().filter(|(name, _)| !placed(name));
        Some(Value::Object(left.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }
}

/// A value that ends its header begins another one.
pub(crate) fn header_value(name: &str, value: String) -> Result<String, ToolFailure> {
    if value.chars().any(char::is_control) {
        return Err(ToolFailure::new(format!(
            "the header `{name}` cannot hold control characters"
        )));
    }
    Ok(value)
}

/// Whether asking twice has the effect of asking once (RFC 9110, 9.2.2).
pub(crate) fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "PUT" | "DELETE")
}

/// What a method does to a service, and what it hands to it: every call leaves the house.
pub(crate) fn capabilities(method: &str) -> [Capability; 2] {
    let own = match method {
        "GET" | "HEAD" => Capability::Read,
        "DELETE" => Capability::Delete,
        _ => Capability::Write,
    };
    [own, Capability::Egress]
}

#[cfg(test)]
mod tests;
