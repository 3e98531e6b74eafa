//! The walk over a schema: each keyword is kept, rewritten or lost.

use super::Lost;
use super::flat::Flat;
use super::rules::{self, Rules, SILENT};
use super::tree::Node;

/// What references may add to a schema, in about as many bytes. Beyond, they are cut.
pub(super) const MOST_BYTES: usize = 1 << 20;
/// How deep schemas may stand in each other once references are followed: as deep as JSON is read.
const MOST_DEEP: usize = 100;

/// A schema being lowered.
pub(super) struct Lower<'r> {
    pub(super) root: &'r Node,
    pub(super) rules: &'static Rules,
    /// The references that were followed to where the walk is.
    pub(super) stack: Vec<&'r str>,
    lost: Vec<Lost>,
    bytes: usize,
    deep: usize,
}

/// The schema in the words of these rules, and what that costs.
pub(super) fn lower(root: &Node, rules: &'static Rules) -> (Node, Vec<Lost>) {
    let mut lower = Lower { root, rules, stack: Vec::new(), lost: Vec::new(), bytes: 0, deep: 0 };
    let lowered = lower.schema(root, "");
    (lowered, lower.lost)
}

/// Puts the keywords of a schema into their order.
pub(super) fn sort(schema: &mut Node) {
    if let Node::Object(fields) = schema {
        fields.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
    }
}

/// Where a keyword stands: what a value is first, what an object holds last, so that the same
/// keywords are the same bytes.
fn rank(key: &str) -> usize {
    const FIRST: [&str; 8] =
        ["$ref", "type", "nullable", "format", "enum", "title", "description", "default"];
    const LAST: [&str; 5] =
        ["properties", "required", "additionalProperties", "$defs", "definitions"];
    let last = LAST.iter().position(|last| *last == key).map(|place| FIRST.len() + 1 + place);
    FIRST.iter().position(|first| *first == key).or(last).unwrap_or(FIRST.len())
}

/// A pointer one step on (RFC 6901).
fn step(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl<'r> Lower<'r> {
    pub(super) fn lose(&mut self, at: &str, keyword: &str) {
        let lost = Lost { pointer: at.to_owned(), keyword: rules::keyword(keyword) };
        if !self.lost.contains(&lost) {
            self.lost.push(lost);
        }
    }

    /// Whether another reference may be followed.
    pub(super) fn may_grow(&self) -> bool {
        self.bytes < MOST_BYTES && self.deep < MOST_DEEP
    }

    pub(super) fn copy(&mut self, node: &Node) -> Node {
        self.bytes += weight(node);
        node.clone()
    }

    /// A schema, lowered.
    pub(super) fn schema(&mut self, node: &'r Node, at: &str) -> Node {
        self.bytes += 16;
        let Node::Object(fields) = node else {
            if !node.is("true") {
                self.lose(at, rules::FALSE);
            }
            return self.anything(at);
        };
        self.deep += 1;
        let flat = self.flatten(fields, at);
        let mut lowered = if flat.cut {
            self.cut()
        } else {
            let said = self.keywords(&flat, at);
            self.typed(said, &flat, at)
        };
        sort(&mut lowered);
        self.stack.truncate(self.stack.len().saturating_sub(flat.followed));
        self.deep -= 1;
        lowered
    }

    /// Every keyword but those that are about types, enumerations and objects.
    fn keywords(&mut self, flat: &Flat<'r>, at: &str) -> Vec<(String, Node)> {
        let mut out = Vec::new();
        if let Some(target) = flat.reference {
            out.push(("$ref".to_owned(), Node::text(target)));
        }
        for (key, value) in &flat.fields {
            let place = step(at, key);
            match (*key, *value) {
                ("$defs" | "definitions", Node::Object(_)) if self.rules.refs => {
                    out.push(((*key).to_owned(), self.map(value.fields(), &place)));
                }
                _ if flat.reference.is_some() || SILENT.contains(key) => {}
                // These are for later.
                ("type" | "enum" | "const" | "nullable" | "format" | "additionalProperties", _) => {
                }
                ("items", Node::List(items)) => self.tuple(items, flat, &place, at, &mut out),
                ("prefixItems", Node::List(items)) => {
                    self.tuple(items, flat, &place, at, &mut out);
                }
                ("items", one) => {
                    // Behind a tuple it is about the rest.
                    let rest = flat.get("prefixItems").is_some();
                    if !rest || self.rules.tuples {
                        out.push(("items".to_owned(), self.schema(one, &place)));
                    }
                }
                ("anyOf", Node::List(items)) => self.any_of(items, &place, &mut out),
                ("oneOf", Node::List(items)) if self.rules.one_of => {
                    let items = self.list(items, &place);
                    out.push(("oneOf".to_owned(), Node::List(items)));
                }
                ("oneOf", Node::List(items)) => {
                    // At least one is what is left of exactly one.
                    self.lose(at, "oneOf");
                    if flat.get("anyOf").is_none() {
                        self.any_of(items, &place, &mut out);
                    }
                }
                ("minItems", Node::Plain(least)) if self.few(least) => {
                    out.push(((*key).to_owned(), self.copy(value)));
                }
                ("pattern", Node::Text(pattern)) if self.matches(pattern) => {
                    out.push(((*key).to_owned(), self.copy(value)));
                }
                _ if self.rules.keeps.contains(key) => {
                    out.push(((*key).to_owned(), self.copy(value)));
                }
                _ => self.lose(at, key),
            }
        }
        out
    }

    fn list(&mut self, items: &'r [Node], at: &str) -> Vec<Node> {
        let indexed = items.iter().enumerate();
        indexed.map(|(index, item)| self.schema(item, &format!("{at}/{index}"))).collect()
    }

    pub(super) fn map(&mut self, fields: &'r [(String, Node)], at: &str) -> Node {
        let lowered = fields.iter().map(|(name, one)| {
            self.bytes += name.len();
            (name.clone(), self.schema(one, &step(at, name)))
        });
        Node::Object(lowered.collect())
    }

    fn any_of(&mut self, items: &'r [Node], at: &str, out: &mut Vec<(String, Node)>) {
        let items = self.list(items, at);
        out.push(("anyOf".to_owned(), Node::List(items)));
    }

    /// A list whose items differ by place. Where there is no such thing, any of them may stand
    /// anywhere, and there are as many.
    fn tuple(
        &mut self,
        items: &'r [Node],
        flat: &Flat<'r>,
        place: &str,
        at: &str,
        out: &mut Vec<(String, Node)>,
    ) {
        let mut items = self.list(items, place);
        if self.rules.tuples {
            out.push(("prefixItems".to_owned(), Node::List(items)));
            return;
        }
        self.lose(at, "prefixItems");
        items.dedup();
        let count =
            flat.get("prefixItems").or(flat.get("items")).map_or(0, |all| all.items().len());
        let one = match items.pop() {
            Some(only) if items.is_empty() => only,
            Some(last) => {
                items.push(last);
                self.any(items, place)
            }
            None => return,
        };
        out.push(("items".to_owned(), one));
        for key in ["minItems", "maxItems"] {
            if flat.get(key).is_none() && self.rules.keeps.contains(&key) {
                out.push((key.to_owned(), Node::Plain(count.to_string())));
            }
        }
    }

    /// Anthropic counts to one.
    fn few(&self, least: &str) -> bool {
        self.rules.dialect == super::Dialect::AnthropicStrict && matches!(least, "0" | "1")
    }

    /// Anthropic matches without looking around, back or at the edges of words.
    fn matches(&self, pattern: &str) -> bool {
        let beyond = ["(?=", "(?!", "(?<", "\\b", "\\B"];
        let digits = ('1'..='9').any(|digit| pattern.contains(&format!("\\{digit}")));
        self.rules.dialect == super::Dialect::AnthropicStrict
            && !digits
            && !beyond.iter().any(|word| pattern.contains(word))
    }
}

/// About how many bytes a value has as text.
fn weight(node: &Node) -> usize {
    match node {
        Node::Plain(text) | Node::Text(text) => text.len() + 2,
        Node::List(items) => items.iter().map(weight).sum::<usize>() + 2,
        Node::Object(fields) => {
            fields.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum()
        }
    }
}
