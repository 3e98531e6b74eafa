//! Gemini's OpenAPI subset read as JSON Schema.

use super::tree::Node;

/// The same schema in JSON Schema.
pub(super) fn raised(node: &Node) -> Node {
    let Node::Object(fields) = node else { return node.clone() };
    let mut nullable = false;
    let mut out: Vec<(String, Node)> = Vec::with_capacity(fields.len());
    for (key, value) in fields {
        let (key, value) = match (&**key, value) {
            ("nullable", mark) => {
                nullable |= mark.is("true");
                continue;
            }
            // Only the order in which properties are written.
            ("propertyOrdering" | "property_ordering", _) => continue,
            ("type", Node::Text(name)) => ("type", Node::Text(name.to_ascii_lowercase())),
            ("properties", Node::Object(inner)) => {
                let raised = inner.iter().map(|(name, one)| (name.clone(), raised(one)));
                ("properties", Node::Object(raised.collect()))
            }
            ("items", one) => ("items", raised(one)),
            ("anyOf" | "any_of", Node::List(all)) => {
                ("anyOf", Node::List(all.iter().map(raised).collect()))
            }
            // Counts have 64 bits, which the JSON of protocol buffers writes as strings.
            (other, Node::Text(digits)) if other.starts_with("min") || other.starts_with("max") => {
                let number = digits.parse::<u64>().is_ok();
                let value = if number { Node::Plain(digits.clone()) } else { Node::text(digits) };
                (camel(other), value)
            }
            (other, value) => (camel(other), value.clone()),
        };
        out.push((key.to_owned(), value));
    }
    if nullable {
        add_null(&mut out);
    }
    Node::Object(out)
}

fn add_null(out: &mut [(String, Node)]) {
    let null = || Node::one("type", Node::text("null"));
    for (key, value) in &mut *out {
        match (&**key, &mut *value) {
            ("type", Node::Text(_)) => {
                let one = std::mem::replace(value, Node::null());
                *value = Node::List(vec![one, Node::text("null")]);
            }
            ("anyOf", Node::List(all)) => all.push(null()),
            ("enum", Node::List(all)) => all.push(Node::null()),
            _ => {}
        }
    }
}

fn camel(key: &str) -> &str {
    match key {
        "max_items" => "maxItems",
        "min_items" => "minItems",
        "max_length" => "maxLength",
        "min_length" => "minLength",
        "max_properties" => "maxProperties",
        "min_properties" => "minProperties",
        other => other,
    }
}
