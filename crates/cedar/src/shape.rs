//! What Cedar can say of a JSON Schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// References and levels of a schema that are followed; what is below has no type.
const DEEPEST: usize = 16;

/// The type of a value, as policies may speak of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Truth,
    Whole,
    Decimal,
    Set(Box<Shape>),
    Record(BTreeMap<String, Field>),
    /// Of several types, or of one that the schema does not say. Policies cannot name it.
    Unsaid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) shape: Shape,
    /// Whether it is there in every value.
    pub(crate) required: bool,
}

impl Shape {
    /// What a tool's arguments are.
    pub(crate) fn of(schema: &Value) -> Self {
        match (Reader { root: schema }).shape(schema, 0).0 {
            record @ Self::Record(_) => record,
            _ => Self::Record(BTreeMap::new()),
        }
    }

    /// It as a type of a Cedar schema; `None` where policies cannot name it.
    pub(crate) fn cedar(&self) -> Option<Value> {
        Some(match self {
            Self::Text => json!({"type": "String"}),
            Self::Truth => json!({"type": "Boolean"}),
            Self::Whole => json!({"type": "Long"}),
            Self::Decimal => json!({"type": "Extension", "name": "decimal"}),
            Self::Set(item) => json!({"type": "Set", "element": item.cedar()?}),
            Self::Record(fields) => {
                let mut attributes = Map::new();
                for (name, field) in fields {
                    let Some(Value::Object(mut said)) = field.shape.cedar() else { continue };
                    said.insert("required".to_owned(), field.required.into());
                    attributes.insert(name.clone(), said.into());
                }
                json!({"type": "Record", "attributes": attributes})
            }
            Self::Unsaid => return None,
        })
    }
}

struct Reader<'s> {
    root: &'s Value,
}

impl Reader<'_> {
    /// The shape of what fits a schema, and whether it may be null.
    fn shape(&self, schema: &Value, depth: usize) -> (Shape, bool) {
        let Some(schema) = schema.as_object().filter(|_| depth < DEEPEST) else {
            return (Shape::Unsaid, true);
        };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let found = reference.strip_prefix('#').and_then(|path| self.root.pointer(path));
            return found.map_or((Shape::Unsaid, true), |found| self.shape(found, depth + 1));
        }
        if let Some(choices) = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(*key)) {
            return self.choice(choices, depth);
        }
        if schema.contains_key("allOf") {
            return (Shape::Unsaid, true);
        }
        let names: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return Self::of_values(schema),
        };
        let null = names.contains(&"null");
        let shape = match names.into_iter().filter(|name| *name != "null").collect::<Vec<_>>()[..] {
            ["string"] => Shape::Text,
            ["boolean"] => Shape::Truth,
            ["integer"] => Shape::Whole,
            ["number"] | ["integer", "number"] | ["number", "integer"] => Shape::Decimal,
            ["array"] => {
                let items = schema.get("items").filter(|_| !schema.contains_key("prefixItems"));
                let item = items.map_or(Shape::Unsaid, |items| self.shape(items, depth + 1).0);
                Shape::Set(Box::new(item))
            }
            ["object"] => self.record(schema, depth),
            _ => Shape::Unsaid,
        };
        (shape, null)
    }

    /// A schema that lists its values and no type.
    fn of_values(schema: &Map<String, Value>) -> (Shape, bool) {
        let listed = schema.get("enum").and_then(Value::as_array);
        let values: Vec<&Value> = listed.into_iter().flatten().chain(schema.get("const")).collect();
        let null = values.iter().any(|value| value.is_null());
        let mut said = values.into_iter().filter(|value| !value.is_null()).peekable();
        let text = said.peek().is_some() && said.all(Value::is_string);
        if text { (Shape::Text, null) } else { (Shape::Unsaid, true) }
    }

    fn choice(&self, choices: &Value, depth: usize) -> (Shape, bool) {
        let is_null = |choice: &Value| choice.get("type").is_some_and(|name| name == "null");
        let mut null = false;
        let mut shapes = Vec::new();
        for choice in choices.as_array().into_iter().flatten() {
            if is_null(choice) {
                null = true;
            } else {
                let (shape, or_null) = self.shape(choice, depth + 1);
                null |= or_null;
                shapes.push(shape);
            }
        }
        shapes.dedup();
        match <[Shape; 1]>::try_from(shapes) {
            Ok([shape]) => (shape, null),
            Err(_) => (Shape::Unsaid, true),
        }
    }

    fn record(&self, schema: &Map<String, Value>, depth: usize) -> Shape {
        let required: Vec<&str> = match schema.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten().map(|(name, said)| {
            let (shape, null) = self.shape(said, depth + 1);
            let required = required.contains(&name.as_str()) && !null;
            (name.clone(), Field { shape, required })
        });
        Shape::Record(fields.collect())
    }
}
