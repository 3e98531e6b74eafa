//! One operation: what it is called with, and where each argument goes.

use largestack_types::json::Json;
use serde_json::{Map, Value, json};

use super::document::{Document, Found, NotUsable};
use super::schema::Schemas;
use super::style::Style;

/// Characters of a description that a model reads.
const MAX_DESCRIPTION: usize = 1_024;
/// Headers that a document may list and that are not its to say (OpenAPI 3.1, 4.8.12.2).
const NOT_ITS_OWN: &[&str] = &["accept", "content-type", "authorization"];

/// An operation, ready to be called.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: &'static str,
    /// With `{names}` of parameters.
    pub(super) path: String,
    pub(super) description: String,
    pub(super) parameters: Vec<Parameter>,
    /// The argument that is the body.
    pub(super) body: Option<String>,
    /// What all arguments fit.
    pub(super) schema: Json,
    /// Where it stands.
    pub(super) pointer: String,
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

/// A parameter.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// As the service calls it.
    pub(super) name: String,
    /// As the model calls it.
    pub(super) argument: String,
    pub(super) place: Place,
    pub(super) style: Style,
    pub(super) explode: bool,
    required: bool,
    schema: Value,
    pointer: String,
}

pub(super) fn read<'d>(document: &Document<'d>, found: Found<'d>) -> Result<Operation, NotUsable> {
    let Found { id, method, path, item, operation, pointer } = found;
    let mut parameters: Vec<Parameter> = Vec::new();
    let of_path = pointer.rsplit_once('/').map_or("", |(above, _)| above);
    for (holder, at) in [(item, of_path), (operation, pointer.as_str())] {
        let list = holder.get("parameters").and_then(Value::as_array);
        for (index, one) in list.into_iter().flatten().enumerate() {
            let place = format!("{at}/parameters/{index}");
            if let Some(parameter) = parameter(document, place, one)? {
                let same = |p: &Parameter| p.name == parameter.name && p.place == parameter.place;
                parameters.retain(|known| !same(known));
                parameters.push(parameter);
            }
        }
    }
    check_path(path, &parameters, &pointer)?;
    name_arguments(&mut parameters);
    let mut schemas = Schemas::new(document);
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in &parameters {
        let schema = schemas.own(&parameter.schema, &parameter.pointer)?;
        properties.insert(parameter.argument.clone(), schema);
        if parameter.required {
            required.push(parameter.argument.clone());
        }
    }
    let body = body(document, operation, &pointer)?.map(|(schema, at, must)| {
        let free = !properties.contains_key("body");
        let name = if free { "body" } else { "request_body" }.to_owned();
        properties.insert(name.clone(), schemas.own(schema, &at)?);
        if must {
            required.push(name.clone());
        }
        Ok(name)
    });
    let body = body.transpose()?;
    let mut schema = json!({"type": "object", "properties": properties, "required": required,
        "additionalProperties": false});
    schemas.put_into(&mut schema, &pointer)?;
    let schema = Json::of(&schema).map_err(|error| NotUsable::at(&pointer, error.to_string()))?;
    let description = description(operation, method, path);
    let path = path.to_owned();
    Ok(Operation { id, method, path, description, parameters, body, schema, pointer })
}

fn description(operation: &Value, method: &str, path: &str) -> String {
    let text = |key| operation.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    let both = [text("summary"), text("description")];
    let said: Vec<_> = both.into_iter().filter(|text| !text.is_empty()).collect();
    let said = if said.is_empty() { format!("{method} {path}") } else { said.join("\n\n") };
    said.chars().take(MAX_DESCRIPTION).collect()
}

/// A parameter; `None` for one that is left out of calls.
fn parameter<'d>(
    document: &Document<'d>,
    place: String,
    written: &'d Value,
) -> Result<Option<Parameter>, NotUsable> {
    let (pointer, value) = document.resolved(place, written)?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let flag = |key: &str| value.get(key).and_then(Value::as_bool);
    let name = text("name").ok_or_else(|| NotUsable::at(&pointer, "has no `name`"))?.to_owned();
    let required = flag("required").unwrap_or(false);
    let place = match text("in") {
        Some("path") => Place::Path,
        Some("query") => Place::Query,
        Some("header") if NOT_ITS_OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) => {
            return Ok(None);
        }
        Some("header") => Place::Header,
        Some("cookie") if !required => return Ok(None),
        Some("cookie") => {
            return Err(NotUsable::at(&pointer, "is a cookie, and no tool sends any"));
        }
        _ => return Err(NotUsable::at(&pointer, "is neither in path, query, header nor cookie")),
    };
    let as_json = value.pointer("/content/application~1json");
    let style = match as_json {
        Some(_) => Style::Json,
        None => Style::of(text("style"), place)
            .ok_or_else(|| NotUsable::at(&pointer, "has a style that is not spoken here"))?,
    };
    let schema = as_json.unwrap_or(value).get("schema").cloned().unwrap_or_else(|| json!({}));
    let mut schema = schema;
    if let (Some(said), Value::Object(fields)) = (text("description"), &mut schema)
        && !fields.contains_key("$ref")
    {
        fields.entry("description").or_insert_with(|| json!(said));
    }
    let explode = flag("explode").unwrap_or(matches!(style, Style::Form));
    Ok(Some(Parameter {
        argument: name.clone(),
        required: required || place == Place::Path,
        name,
        place,
        style,
        explode,
        schema,
        pointer,
    }))
}

/// Two parameters of one name are told apart by their places.
fn name_arguments(parameters: &mut [Parameter]) {
    let names: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
    for parameter in parameters {
        if names.iter().filter(|name| **name == parameter.name).count() > 1 {
            parameter.argument = format!("{}_{}", parameter.place.name(), parameter.name);
        }
    }
}

/// Every `{name}` of a path is a parameter, and every parameter of the path is in it.
fn check_path(path: &str, parameters: &[Parameter], pointer: &str) -> Result<(), NotUsable> {
    if !path.starts_with('/') {
        return Err(NotUsable::at(pointer, format!("its path `{path}` does not begin with `/`")));
    }
    let mut left = path.to_owned();
    for parameter in parameters.iter().filter(|parameter| parameter.place == Place::Path) {
        let mark = format!("{{{}}}", parameter.name);
        if !left.contains(&mark) {
            let why = format!("is a parameter of the path, and `{mark}` is not in `{path}`");
            return Err(NotUsable::at(&parameter.pointer, why));
        }
        left = left.replace(&mark, "");
    }
    if left.contains(['{', '}', '?', '#', '\\']) || left.chars().any(char::is_whitespace) {
        let why = format!("the path `{path}` holds what is no parameter of it");
        return Err(NotUsable::at(pointer, why));
    }
    Ok(())
}

/// The schema of a JSON body, where it stands, and whether there has to be one.
fn body<'d>(
    document: &Document<'d>,
    operation: &'d Value,
    pointer: &str,
) -> Result<Option<(&'d Value, String, bool)>, NotUsable> {
    static ANY: Value = Value::Bool(true);
    let Some(written) = operation.get("requestBody") else { return Ok(None) };
    let (at, body) = document.resolved(format!("{pointer}/requestBody"), written)?;
    let must = body.get("required").and_then(Value::as_bool).unwrap_or(false);
    let content = body.get("content").and_then(Value::as_object);
    let is_json = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind == "application/json" || kind.ends_with("+json") || kind == "*/*"
    };
    let json = content.and_then(|content| content.iter().find(|(kind, _)| is_json(kind)));
    match json {
        Some((kind, media)) => {
            let at = format!("{at}/content/{}/schema", super::document::escaped(kind));
            Ok(Some((media.get("schema").unwrap_or(&ANY), at, must)))
        }
        None if !must => Ok(None),
        None => Err(NotUsable::at(&at, "needs a body that is no JSON")),
    }
}
