//! Types, enumerations and formats: what a value may be, in the words of each dialect.

use super::Dialect;
use super::flat::Flat;
use super::lower::{Lower, sort};
use super::tree::Node;

/// The fields of a schema under way.
type Said = Vec<(String, Node)>;

impl<'r> Lower<'r> {
    /// A schema from its other keywords: with its type, its values and its properties.
    pub(super) fn typed(&mut self, said: Said, flat: &Flat<'r>, at: &str) -> Node {
        if flat.reference.is_some() {
            return Node::Object(said);
        }
        let (mut names, mut nullable) = types(flat);
        let values = self.values(flat, &mut nullable, at);
        if names.is_empty() {
            names.extend(implied(flat, values.as_deref()));
        }
        let format = self.format(flat, &names, at);
        let mut out = Said::new();
        self.push_type(&mut out, &names, nullable);
        if let Some(format) = format {
            out.push(("format".to_owned(), format));
        }
        if let Some(values) = values {
            self.push_values(&mut out, values, &names, nullable);
        }
        out.extend(said);
        self.object(&mut out, flat, &names, at);
        if self.rules.dialect == Dialect::GeminiOpenApi {
            return self.open_api(out, &names, nullable, at);
        }
        Node::Object(out)
    }

    /// The values of `enum` and `const`. A dialect may not take all kinds of them.
    fn values(&mut self, flat: &Flat<'r>, nullable: &mut bool, at: &str) -> Option<Vec<Node>> {
        let listed = flat.get("enum").map(|list| ("enum", list.items().to_vec()));
        let single = flat.get("const").map(|value| ("const", vec![value.clone()]));
        let (keyword, mut values) = single.or(listed)?;
        let takes: fn(&Node) -> bool = match self.rules.dialect {
            Dialect::GeminiOpenApi => |value| matches!(value, Node::Text(_)),
            Dialect::GeminiJson => |value| match value {
                Node::Text(_) => true,
                Node::Plain(text) => !matches!(&**text, "true" | "false"),
                _ => false,
            },
            _ => |value| matches!(value, Node::Text(_) | Node::Plain(_)),
        };
        let nulls = values.iter().any(|value| value.is("null"));
        if nulls && self.rules.dialect == Dialect::GeminiOpenApi {
            *nullable = true;
            values.retain(|value| !value.is("null"));
        }
        if values.iter().all(takes) && !values.is_empty() {
            for value in &values {
                self.copy(value);
            }
            return Some(values);
        }
        self.lose(at, keyword);
        None
    }

    fn format(&mut self, flat: &Flat<'r>, names: &[&str], at: &str) -> Option<Node> {
        let format = flat.get("format")?;
        let takes = self
            .rules
            .formats
            .is_none_or(|known| format.as_text().is_some_and(|name| known.contains(&name)));
        let fits = match format.as_text() {
            Some("float" | "double") => names == ["number"],
            Some("int32" | "int64") => names == ["integer"],
            _ => self.rules.dialect != Dialect::GeminiOpenApi || names == ["string"],
        };
        if takes && fits {
            return Some(self.copy(format));
        }
        self.lose(at, "format");
        None
    }

    fn push_type(&self, out: &mut Said, names: &[&str], nullable: bool) {
        if self.rules.dialect == Dialect::GeminiOpenApi {
            if let [one] = names {
                out.push(("type".to_owned(), Node::Text(one.to_ascii_uppercase())));
            }
            if nullable && !names.is_empty() {
                out.push(("nullable".to_owned(), Node::truth(true)));
            }
            return;
        }
        let null = nullable && !names.is_empty();
        let mut all: Vec<Node> = names.iter().map(|name| Node::text(name)).collect();
        if null {
            all.push(Node::text("null"));
        }
        match all.pop() {
            None if nullable => out.push(("type".to_owned(), Node::text("null"))),
            None => {}
            Some(only) if all.is_empty() => out.push(("type".to_owned(), only)),
            Some(last) => {
                all.push(last);
                out.push(("type".to_owned(), Node::List(all)));
            }
        }
    }

    fn push_values(&self, out: &mut Said, mut values: Vec<Node>, names: &[&str], nullable: bool) {
        let open_api = self.rules.dialect == Dialect::GeminiOpenApi;
        if nullable && !open_api && !names.is_empty() && !values.iter().any(|v| v.is("null")) {
            values.push(Node::null());
        }
        out.push(("enum".to_owned(), Node::List(values)));
    }

    /// What takes any value, as far as the dialect can say it.
    pub(super) fn anything(&mut self, at: &str) -> Node {
        if self.rules.dialect == Dialect::GeminiOpenApi {
            self.lose(at, "type");
            return Node::one("type", Node::text("STRING"));
        }
        Node::empty()
    }

    /// What stands where a schema was cut.
    pub(super) fn cut(&self) -> Node {
        let of = |name: &str| Node::one("type", Node::text(name));
        match self.rules.dialect {
            Dialect::GeminiOpenApi => of("OBJECT"),
            Dialect::OpenAiStrict | Dialect::AnthropicStrict => {
                let mut closed = vec![
                    ("type".to_owned(), Node::text("object")),
                    ("properties".to_owned(), Node::empty()),
                    ("additionalProperties".to_owned(), Node::truth(false)),
                ];
                if self.rules.all_required {
                    closed.push(("required".to_owned(), Node::List(Vec::new())));
                }
                Node::Object(closed)
            }
            _ => Node::empty(),
        }
    }

    /// The last steps for the OpenAPI subset: one type a schema, null beside it, and nothing beside
    /// a choice.
    fn open_api(&mut self, mut out: Said, names: &[&str], nullable: bool, at: &str) -> Node {
        if let Some(place) = out.iter().position(|(key, _)| key == "anyOf") {
            let (_, choice) = out.remove(place);
            return self.choice(out, choice.items().to_vec(), nullable, at);
        }
        match names {
            [] if nullable => {
                self.lose(at, "type");
                Node::Object(vec![
                    ("type".to_owned(), Node::text("STRING")),
                    ("nullable".to_owned(), Node::truth(true)),
                ])
            }
            [] => {
                self.lose(at, "type");
                out.insert(0, ("type".to_owned(), Node::text("STRING")));
                Node::Object(out)
            }
            [_] => Node::Object(out),
            several => {
                let branches = several.iter().map(|name| {
                    let upper = Node::Text(name.to_ascii_uppercase());
                    let mut branch = vec![("type".to_owned(), upper)];
                    let fits = |(key, _): &&(String, Node)| is_about(key, name);
                    branch.extend(out.iter().filter(fits).cloned());
                    Node::Object(branch)
                });
                let branches = branches.collect();
                out.retain(|(key, _)| !several.iter().any(|name| is_about(key, name)));
                self.choice(out, branches, nullable, at)
            }
        }
    }

    /// A schema that any of these fit.
    pub(super) fn any(&mut self, branches: Vec<Node>, at: &str) -> Node {
        if self.rules.dialect == Dialect::GeminiOpenApi {
            let mut choice = self.choice(Said::new(), branches, false, at);
            sort(&mut choice);
            return choice;
        }
        Node::one("anyOf", Node::List(branches))
    }

    /// `anyOf`: null becomes a mark, one branch becomes the schema itself, and what stands beside
    /// several is lost (the API takes nothing beside them).
    fn choice(&mut self, beside: Said, branches: Vec<Node>, nullable: bool, at: &str) -> Node {
        let is_null = |node: &Node| node.get("type").and_then(Node::as_text) == Some("NULL");
        let nullable = nullable || branches.iter().any(is_null);
        let mut branches: Vec<Node> = branches.into_iter().filter(|one| !is_null(one)).collect();
        let mark = |out: &mut Said| {
            if nullable && !out.iter().any(|(key, _)| key == "nullable") {
                out.push(("nullable".to_owned(), Node::truth(true)));
            }
        };
        if branches.len() > 1 {
            for (key, _) in beside.iter().filter(|(key, _)| key != "nullable") {
                self.lose(at, key);
            }
            let mut out = vec![("anyOf".to_owned(), Node::List(branches))];
            mark(&mut out);
            return Node::Object(out);
        }
        let Some(Node::Object(mut out)) = branches.pop() else {
            self.lose(at, "anyOf");
            return Node::one("type", Node::text("STRING"));
        };
        let choice = out.iter().any(|(key, _)| key == "anyOf");
        for (key, value) in beside {
            if choice && key != "nullable" {
                self.lose(at, &key);
                continue;
            }
            // What is said nearer to the reader counts, as far as it is only said to him.
            let known = out.iter_mut().find(|(name, _)| *name == key);
            match known {
                None => out.push((key, value)),
                Some((_, held)) if matches!(&*key, "title" | "description" | "default") => {
                    *held = value;
                }
                Some((_, held)) if *held == value => {}
                Some(_) => self.lose(at, &key),
            }
        }
        mark(&mut out);
        Node::Object(out)
    }
}

/// The types a schema names, without null, and whether null is one of them.
fn types<'r>(flat: &Flat<'r>) -> (Vec<&'r str>, bool) {
    let said: Vec<&str> = match flat.get("type") {
        Some(Node::Text(one)) => vec![one],
        Some(Node::List(all)) => all.iter().filter_map(Node::as_text).collect(),
        _ => Vec::new(),
    };
    let known = ["string", "number", "integer", "boolean", "array", "object", "null"];
    let mut names = Vec::new();
    for name in said {
        let known = known.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
        names.extend(known.filter(|name| !names.contains(name)));
    }
    let null = names.contains(&"null") && names.len() > 1;
    if null {
        names.retain(|name| *name != "null");
    }
    (names, null || flat.get("nullable").is_some_and(|mark| mark.is("true")))
}

/// The type that the other keywords are about.
fn implied(flat: &Flat<'_>, values: Option<&[Node]>) -> Option<&'static str> {
    if values.is_some_and(|values| values.iter().all(|value| value.as_text().is_some())) {
        return Some("string");
    }
    let any = |keys: &[&str]| keys.iter().any(|key| flat.get(key).is_some());
    let listed = |key| matches!(flat.get(key), Some(Node::List(_)));
    if listed("anyOf") || listed("oneOf") || values.is_some() {
        return None;
    }
    if flat.properties.is_some() || any(&["additionalProperties", "patternProperties"]) {
        return Some("object");
    }
    any(&["items", "prefixItems"]).then_some("array")
}

/// Whether a keyword is about values of this type.
fn is_about(key: &str, name: &str) -> bool {
    match name {
        "string" => matches!(key, "pattern" | "minLength" | "maxLength" | "format" | "enum"),
        "number" | "integer" => matches!(key, "minimum" | "maximum"),
        "array" => matches!(key, "items" | "minItems" | "maxItems"),
        "object" => matches!(
            key,
            "properties" | "required" | "minProperties" | "maxProperties" | "propertyOrdering"
        ),
        _ => false,
    }
}
