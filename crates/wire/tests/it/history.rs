//! The law of histories, for any wire: a recorded request reads back and encodes to the same JSON,
//! and what a reply decoded to, put behind the request that asked for it, encodes to what the next
//! recorded request says.
//!
//! Where the recorded client changed the history itself between two requests, the pair is set
//! aside and counted. Where it changed the reply's own turn, the difference counts as the client's
//! only if the client's JSON differs from the provider's at that place and ours does not (or if
//! all three say nothing, in different words).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_wire::{Mode, Session, Target, Wire, decode};
use serde_json::Value;

use crate::recordings::Exchange;

/// What the law needs to know of a wire.
pub(crate) struct Law {
    pub(crate) wire: &'static dyn Wire,
    /// Whose exchange it is, with the model that it names.
    pub(crate) target: fn(&Exchange) -> Target,
    pub(crate) mode: fn(&Exchange) -> Mode,
    /// The field of the list of messages, e.g. `messages`.
    pub(crate) list: &'static str,
    /// Further fields that must be equal, e.g. `tools`.
    pub(crate) fields: &'static [&'static str],
    /// The provider's turn as its reply says it, in the items of the request's list; `None` where
    /// the reply does not hold it in one piece. Only for telling who changed what.
    pub(crate) turn: fn(&Exchange) -> Option<Vec<Value>>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Requests read, all of which encoded to the same.
    pub(crate) requests: usize,
    /// Pairs whose second request was met exactly.
    pub(crate) met: usize,
    /// Pairs met but for what the recorded client changed in the provider's turn.
    pub(crate) reshaped: usize,
    /// Pairs whose second request does not continue the first.
    pub(crate) edited: usize,
    /// What clients changed in the provider's turn, by place.
    pub(crate) changes: BTreeMap<String, usize>,
    pub(crate) failures: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, met, reshaped, edited, .. } = self;
        writeln!(
            f,
            "{requests} requests read; next requests: {met} met, {reshaped} met but for what the \
             client changed, {edited} with another history"
        )?;
        self.changes.iter().try_for_each(|(what, count)| writeln!(f, "  {count} times {what}"))
    }
}

impl Law {
    /// Holds the law against exchanges that are in the order in which they were recorded.
    pub(crate) fn check(&self, exchanges: &[Exchange]) -> Tally {
        let mut tally = Tally::default();
        for exchange in exchanges.iter().filter(|exchange| exchange.request.is_object()) {
            tally.requests += 1;
            if let Err(difference) = self.reads_back(exchange) {
                tally.failures.push(format!("{}: {difference}", exchange.file));
            }
        }
        for pair in exchanges.windows(2) {
            let [before, next] = pair else { continue };
            if before.file == next.file
                && before.address == next.address
                && next.request.get(self.list).is_some()
                && before.status == 200
            {
                self.pair(before, next, &mut tally);
            }
        }
        tally
    }

    fn call(&self, exchange: &Exchange) -> Result<Call, String> {
        let body = serde_json::to_vec(&exchange.request).unwrap();
        self.wire.read(&body, &(self.target)(exchange)).map_err(|error| error.to_string())
    }

    /// The encoded call and the same from a session that has seen half of it.
    fn encoded(&self, call: &Call, exchange: &Exchange) -> Result<Value, String> {
        let target = (self.target)(exchange);
        let encode = |call: &Call, session: &mut Session| {
            self.wire.encode(call, &target, session).map_err(|error| error.to_string())
        };
        let request = encode(call, &mut Session::new())?;
        let mut session = Session::new();
        let half = call.messages[..call.messages.len() / 2].to_vec();
        let _ = encode(&Call { messages: Arc::new(half), ..call.clone() }, &mut session);
        assert_eq!(encode(call, &mut session)?, request, "{}: a session changed it", exchange.file);
        serde_json::from_slice(&request.body).map_err(|error| error.to_string())
    }

    fn reads_back(&self, exchange: &Exchange) -> Result<(), String> {
        let ours = self.encoded(&self.call(exchange)?, exchange)?;
        let mut found = Vec::new();
        for field in std::iter::once(&self.list).chain(self.fields) {
            differences(field, ours.get(*field), exchange.request.get(*field), &mut found);
        }
        match found.first() {
            None => Ok(()),
            Some(first) => Err(format!("read back: {first}")),
        }
    }

    fn pair(&self, before: &Exchange, next: &Exchange, tally: &mut Tally) {
        let (Ok(first), Ok(second)) = (self.call(before), self.call(next)) else { return };
        let sent = items(before.request.get(self.list));
        let listed = items(next.request.get(self.list));
        let asked = first.messages.len();
        let turn = second.messages.get(asked).filter(|turn| turn.role == Role::Assistant);
        let continues = listed.len() > sent.len()
            && listed[..sent.len()] == sent[..]
            && second.messages[..asked] == first.messages[..];
        let (true, Some(_)) = (continues, turn) else {
            tally.edited += 1;
            return;
        };
        let outcome =
            decode(self.wire, (self.mode)(before), &(self.target)(before), &before.body).unwrap();
        let mut messages = first.messages.to_vec();
        let parts = outcome.reply.parts;
        messages.push(Arc::new(Message { role: Role::Assistant, parts, native: None }));
        messages.extend_from_slice(&second.messages[asked + 1..]);
        let call = Call { messages: Arc::new(messages), ..second };
        match self.encoded(&call, next) {
            Err(error) => tally.failures.push(format!("{}: {error}", next.file)),
            Ok(ours) => self.compare(before, next, sent.len(), &ours, tally),
        }
    }

    fn compare(
        &self,
        before: &Exchange,
        next: &Exchange,
        sent: usize,
        ours: &Value,
        tally: &mut Tally,
    ) {
        let mut found = Vec::new();
        let (mine, theirs) = (items(ours.get(self.list)), items(next.request.get(self.list)));
        for field in self.fields {
            differences(field, ours.get(*field), next.request.get(*field), &mut found);
        }
        let turn = (self.turn)(before);
        let said = turn.as_deref().unwrap_or_default();
        let rest = theirs.len().saturating_sub(mine.len());
        if mine.len() != theirs.len() {
            // Other items than the provider's: the client's doing if ours are the provider's.
            let whole = said.len() + theirs.len() > mine.len()
                && said
                    .iter()
                    .zip(&mine[sent..])
                    .all(|(said, mine)| within(mine, said) || says(mine, said));
            if whole {
                tally.reshaped += 1;
                *tally.changes.entry("items left out or added".into()).or_default() += 1;
            } else {
                tally.failures.push(format!("{}: {rest} items more: {mine:?}", next.file));
            }
            return;
        }
        for (index, (mine, theirs)) in mine.iter().zip(&theirs).enumerate() {
            let place = format!("{}[{index}]", self.list);
            let said = index.checked_sub(sent).and_then(|at| said.get(at));
            let from = found.len();
            differences(&place, Some(mine), Some(theirs), &mut found);
            for difference in &mut found[from..] {
                difference.by_client = said.is_some_and(|said| difference.is_clients(said, &place));
            }
        }
        if let Some(ours) = found.iter().find(|difference| !difference.by_client) {
            tally.failures.push(format!("{}: {ours}", next.file));
        } else if found.is_empty() {
            tally.met += 1;
        } else {
            tally.reshaped += 1;
            for difference in &found {
                let kind = said_kind(said, difference, sent);
                *tally.changes.entry(kind).or_default() += 1;
            }
        }
    }
}

fn said_kind(said: &[Value], difference: &Difference, sent: usize) -> String {
    let at = difference.path.split(['[', ']']).nth(1).and_then(|index| index.parse().ok());
    let item = at.and_then(|at: usize| said.get(at.checked_sub(sent)?));
    let kind = item.and_then(|item| item.get("type")).and_then(Value::as_str);
    let (_, path) = difference.path.split_once(']').unwrap_or(("", &difference.path));
    let path: String = path.chars().filter(|c| !c.is_ascii_digit()).collect();
    let verb = match (&difference.ours, &difference.theirs) {
        (ours, theirs) if is_nothing(ours.as_ref()) && is_nothing(theirs.as_ref()) => {
            "otherwise said nothing in"
        }
        (_, None) => "left out",
        (None, _) => "added",
        _ => "changed",
    };
    format!("{verb} {}{path}", kind.unwrap_or("the turn's "))
}

/// A list; one bare value is a list of it.
fn items(value: Option<&Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(other) => vec![other.clone()],
    }
}

/// A place at which two values differ.
#[derive(Clone, Debug)]
struct Difference {
    path: String,
    ours: Option<Value>,
    theirs: Option<Value>,
    by_client: bool,
}

impl Difference {
    /// Whether the client changed what the provider had said at this place, and we did not.
    fn is_clients(&self, said: &Value, place: &str) -> bool {
        let pointer = self.path.trim_start_matches(place).replace(['.', '['], "/").replace(']', "");
        let said = said.pointer(&pointer);
        // An id of the client's making where the provider gave none, as ours is.
        if is_nothing(said) && self.path.ends_with("id") {
            return true;
        }
        // Three ways to say nothing: none of them changes anything.
        if is_nothing(said) && is_nothing(self.ours.as_ref()) && is_nothing(self.theirs.as_ref()) {
            return true;
        }
        let changed = match (said, &self.theirs) {
            (Some(said), Some(theirs)) => said != theirs,
            (None, None) => false,
            _ => true,
        };
        let kept = match (&self.ours, said) {
            (None | Some(Value::Null), _) => true,
            (Some(ours), Some(said)) => within(ours, said),
            (Some(_), None) => false,
        };
        changed && kept
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| {
            let text = value.as_ref().map_or("nothing".to_owned(), Value::to_string);
            text.chars().take(200).collect::<String>()
        };
        write!(f, "{}: {} instead of {}", self.path, show(&self.ours), show(&self.theirs))
    }
}

/// Whether an item is another in the short form: a bare string in the place of one block.
fn says(mine: &Value, said: &Value) -> bool {
    let text = said.pointer("/content/0/text");
    mine.get("content").is_some_and(|words| Some(words) == text)
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        _ => false,
    }
}

/// Whether one value is another without some of its fields.
fn within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|whole| within(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(a, b)| within(a, b))
        }
        (part, whole) => part == whole,
    }
}

fn differences(
    path: &str,
    ours: Option<&Value>,
    theirs: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (ours, theirs) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for key in keys {
                differences(&format!("{path}.{key}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{index}]"), Some(a), Some(b), found);
            }
        }
        (a, b) if same(a, b) => {}
        (a, b) => found.push(Difference {
            path: path.to_owned(),
            ours: a.cloned(),
            theirs: b.cloned(),
            by_client: false,
        }),
    }
}

/// Equal, but for what the recorder did to the typography of JSON bodies and not to streams.
fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => a == b || plain(a) == plain(b),
        (Some(Value::Number(a)), Some(Value::Number(b))) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2018}' | '\u{2019}' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{2010}'..='\u{2014}' => out.push('-'),
            '\u{2026}' => out.push_str("..."),
            '\u{a0}' | '\u{202f}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
