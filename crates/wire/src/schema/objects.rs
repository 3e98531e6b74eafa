//! Objects: their properties, which of them must be there, and whether there may be others.

use super::Dialect;
use super::flat::Flat;
use super::lower::Lower;
use super::tree::Node;

impl<'r> Lower<'r> {
    /// Adds what a schema says of objects.
    pub(super) fn object(
        &mut self,
        out: &mut Vec<(String, Node)>,
        flat: &Flat<'r>,
        names: &[&str],
        at: &str,
    ) {
        if !names.contains(&"object") {
            return;
        }
        let more = flat.get("additionalProperties");
        let none = flat.properties.as_ref().is_none_or(Vec::is_empty);
        let mut properties: Vec<(String, Node)> = Vec::new();
        for (name, schema) in flat.properties.iter().flatten() {
            let place = format!("{at}/properties/{}", name.replace('~', "~0").replace('/', "~1"));
            let mut lowered = self.schema(schema, &place);
            if self.rules.all_required && !flat.required.contains(name) && !is_nullable(&lowered) {
                self.lose(&place, "required");
                lowered = or_null(lowered);
            }
            properties.push(((*name).to_owned(), lowered));
        }
        let required: Vec<Node> = if self.rules.all_required {
            properties.iter().map(|(name, _)| Node::text(name)).collect()
        } else {
            let there = |name: &&&str| properties.iter().any(|(known, _)| known == **name);
            let kept: Vec<Node> =
                flat.required.iter().filter(there).map(|name| Node::text(name)).collect();
            if kept.len() < flat.required.len() {
                self.lose(at, "required");
            }
            kept
        };
        if flat.properties.is_some() || self.rules.closed {
            out.push(("properties".to_owned(), Node::Object(properties)));
        }
        if !required.is_empty() || self.rules.all_required {
            out.push(("required".to_owned(), Node::List(required)));
        }
        self.others(out, more, none, at);
    }

    /// `additionalProperties`.
    fn others(
        &mut self,
        out: &mut Vec<(String, Node)>,
        more: Option<&'r Node>,
        none: bool,
        at: &str,
    ) {
        let closed = more.is_some_and(|more| more.is("false"));
        if self.rules.closed {
            // Without properties of its own an object was meant to take any.
            if !closed && (more.is_some() || none) {
                self.lose(at, "additionalProperties");
            }
            out.push(("additionalProperties".to_owned(), Node::truth(false)));
        } else if self.rules.dialect == Dialect::GeminiOpenApi {
            if more.is_some() || none {
                self.lose(at, "additionalProperties");
            }
        } else if let Some(more) = more {
            let more = match more {
                Node::Object(_) => self.schema(more, &format!("{at}/additionalProperties")),
                other => other.clone(),
            };
            out.push(("additionalProperties".to_owned(), more));
        }
    }
}

/// Whether null fits a schema that was lowered.
fn is_nullable(schema: &Node) -> bool {
    let named = match schema.get("type") {
        Some(Node::Text(name)) => name == "null",
        Some(Node::List(names)) => names.iter().any(|name| name.as_text() == Some("null")),
        _ => false,
    };
    let listed = schema.get("anyOf").is_some_and(|any| any.items().iter().any(is_nullable));
    named || listed || *schema == Node::empty()
}

/// A lowered schema that null fits, too.
fn or_null(schema: Node) -> Node {
    let Node::Object(mut fields) = schema else { return schema };
    let null = || Node::one("type", Node::text("null"));
    if let Some((_, Node::List(branches))) = fields.iter_mut().find(|(key, _)| key == "anyOf") {
        branches.push(null());
        return Node::Object(fields);
    }
    let Some((_, kind)) = fields.iter_mut().find(|(key, _)| key == "type") else {
        return Node::one("anyOf", Node::List(vec![Node::Object(fields), null()]));
    };
    let mut all = match std::mem::replace(kind, Node::null()) {
        Node::List(several) => several,
        one => vec![one],
    };
    all.push(Node::text("null"));
    *kind = Node::List(all);
    if let Some((_, Node::List(values))) = fields.iter_mut().find(|(key, _)| key == "enum")
        && !values.iter().any(|value| value.is("null"))
    {
        values.push(Node::null());
    }
    Node::Object(fields)
}
