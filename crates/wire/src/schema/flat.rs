//! A schema with what it refers to and what it is composed of (`$ref`, `allOf`) taken into it.

use super::lower::Lower;
use super::tree::Node;

/// The keywords of one schema.
#[derive(Debug, Default)]
pub(super) struct Flat<'r> {
    /// All but those below, in order.
    pub(super) fields: Vec<(&'r str, &'r Node)>,
    pub(super) properties: Option<Vec<(&'r str, &'r Node)>>,
    pub(super) required: Vec<&'r str>,
    /// A reference that stays.
    pub(super) reference: Option<&'r str>,
    /// How many references were followed, to be left again behind its children.
    pub(super) followed: usize,
    /// What a reference points at cannot be taken in.
    pub(super) cut: bool,
}

impl<'r> Flat<'r> {
    pub(super) fn get(&self, key: &str) -> Option<&'r Node> {
        self.fields.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// Keeps a keyword, unless the schema says something else under it already.
    fn keep(&mut self, key: &'r str, value: &'r Node) -> bool {
        match self.get(key) {
            None => self.fields.push((key, value)),
            Some(known) => return known == value || is_note(key),
        }
        true
    }
}

/// What is said for people: of two, the nearer counts.
fn is_note(key: &str) -> bool {
    matches!(key, "title" | "description" | "default" | "examples" | "example" | "$schema" | "$id")
        || matches!(key, "$defs" | "definitions" | "$comment" | "$anchor")
}

impl<'r> Lower<'r> {
    /// Takes a schema apart; `at` is where it stands.
    pub(super) fn flatten(&mut self, fields: &'r [(String, Node)], at: &str) -> Flat<'r> {
        let mut flat = Flat::default();
        self.take(fields, at, &mut flat, 0);
        flat
    }

    fn take(&mut self, fields: &'r [(String, Node)], at: &str, flat: &mut Flat<'r>, depth: usize) {
        // What is said for people counts where it stands, before what is referred to.
        for (key, value) in fields.iter().filter(|(key, _)| is_note(key)) {
            flat.keep(key, value);
        }
        for (key, value) in fields {
            match (&**key, value) {
                ("$ref", Node::Text(target)) => self.follow(target, fields, at, flat, depth),
                ("allOf", Node::List(all)) => {
                    for one in all {
                        if depth >= 16 {
                            self.lose(at, "allOf");
                        } else {
                            self.take(one.fields(), at, flat, depth + 1);
                        }
                    }
                }
                ("properties", Node::Object(new)) => {
                    let properties = flat.properties.get_or_insert_default();
                    for (name, schema) in new {
                        match properties.iter().find(|(known, _)| known == name) {
                            None => properties.push((name, schema)),
                            Some((_, known)) if *known == schema => {}
                            Some(_) => self.lose(at, "allOf"),
                        }
                    }
                }
                ("required", Node::List(names)) => {
                    for name in names.iter().filter_map(Node::as_text) {
                        if !flat.required.contains(&name) {
                            flat.required.push(name);
                        }
                    }
                }
                _ => {
                    if !flat.keep(key, value) {
                        self.lose(at, "allOf");
                    }
                }
            }
        }
    }

    /// A reference stays where the dialect has them and it stands alone; else what it points at
    /// takes its place, unless that is where we already are.
    fn follow(
        &mut self,
        target: &'r str,
        beside: &[(String, Node)],
        at: &str,
        flat: &mut Flat<'r>,
        depth: usize,
    ) {
        let notes = |(key, _): &(String, Node)| is_note(key) && !key.starts_with('$');
        // A strict root says itself that it is an object.
        let root = self.rules.closed && at.is_empty();
        let alone = depth == 0 && !root && beside.iter().all(|(key, _)| key.starts_with('$'));
        let found = self.resolve(target);
        let stays = self.rules.refs && found.is_some();
        if stays && alone {
            flat.reference = Some(target);
            return;
        }
        let again = self.stack.contains(&target);
        match found {
            Some(found) if !again && self.may_grow() && depth < 16 => {
                self.stack.push(target);
                flat.followed += 1;
                self.take(found.fields(), at, flat, depth + 1);
            }
            // What is said beside it goes; the shape stays.
            Some(_) if stays && depth == 0 => {
                flat.reference = Some(target);
                let said = beside.iter().map(|(key, _)| &**key);
                for key in said.filter(|key| !key.starts_with('$') && *key != "definitions") {
                    self.lose(at, key);
                }
            }
            _ => {
                self.lose(at, "$ref");
                flat.cut = beside.iter().all(|field| field.0 == "$ref" || notes(field));
            }
        }
    }

    /// What a local reference points at (RFC 6901 in a fragment).
    fn resolve(&self, target: &str) -> Option<&'r Node> {
        let path = target.strip_prefix('#')?;
        if path.is_empty() {
            return Some(self.root);
        }
        let mut node = self.root;
        for step in path.strip_prefix('/')?.split('/') {
            let step = step.replace("%24", "$").replace("~1", "/").replace("~0", "~");
            node = match node {
                Node::List(items) => items.get(step.parse::<usize>().ok()?)?,
                other => other.get(&step)?,
            };
        }
        matches!(node, Node::Object(_)).then_some(node)
    }
}
