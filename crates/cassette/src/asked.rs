//! What was asked, in a form in which two requests that mean the same are equal: JSON in one order,
//! without what differs from run to run, and without what must not be kept.

use largestack_ports::transport::{Auth, Method, Request};
use largestack_ports::vault::Sensitive;
use largestack_types::id::{ApprovalId, OwnerId, ReservationId, RunId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exchange::Body;
use crate::redact::{Redactor, path};

/// A request as it is kept and compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The row of the provider table.
    pub(crate) provider: String,
    /// `GET`, `POST` or `PUT`.
    pub(crate) method: String,
    /// Path and parameters; parameters in order of their names.
    pub(crate) path: String,
    /// The body.
    #[serde(default)]
    pub(crate) body: Body,
}

/// Ids that differ from run to run: how they are called in a cassette, and what they are now.
pub(crate) type Ids = Vec<(String, String)>;

impl Asked {
    /// What this request asks, and the ids in it. `None` where the body is not text and holds what
    /// must not be kept.
    pub(crate) fn of(request: &Request, redactor: &Redactor) -> Option<(Self, Ids)> {
        let mut ids = Ids::new();
        let body = match std::str::from_utf8(&request.body) {
            Ok("") => Body::default(),
            Ok(text) => {
                let text = redactor.clean(text);
                match serde_json::from_str::<Value>(&text) {
                    Ok(value) => Body::of_json(&settled(value, &mut ids)),
                    Err(_) => Body::of_text(named(&text, &mut ids)),
                }
            }
            Err(_) if redactor.objects_to(&request.body) => return None,
            Err(_) => Body::of_bytes(&request.body),
        };
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
        };
        let path = named(&path(&request.url, redactor), &mut ids);
        let provider = request.provider.to_string();
        Some((Self { provider, method: method.to_owned(), path, body }, ids))
    }

    /// Method and path, for a person.
    pub(crate) fn title(&self) -> String {
        format!("{} {} of {}", self.method, self.path, self.provider)
    }
}

/// The values of a request that are credentials: they stand nowhere else either.
pub(crate) fn credentials(request: &Request) -> Vec<Sensitive> {
    let mut values = Vec::new();
    if let Auth::Ready(headers) = &request.auth {
        for (_, value) in headers {
            values.push(value.clone());
            if let Some((_, token)) = value.expose().split_once(' ') {
                values.push(Sensitive::new(token));
            }
        }
    }
    for (name, value) in &request.headers {
        if secret_header(name) {
            values.push(Sensitive::new(value.as_ref()));
            if let Some((_, token)) = value.split_once(' ') {
                values.push(Sensitive::new(token));
            }
        }
    }
    values
}

/// Whether a header of this name carries a credential. What it is called tells, as nobody knows
/// the headers that operators add to their rows.
fn secret_header(name: &str) -> bool {
    const PARTS: &[&str] = &["auth", "key", "token", "secret", "cookie", "password", "signature"];
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part)) && name != "idempotency-key"
}

/// A value with its properties in order and its ids named.
fn settled(value: Value, ids: &mut Ids) -> Value {
    match value {
        Value::Object(properties) => {
            let mut properties: Vec<(String, Value)> = properties.into_iter().collect();
            properties.sort_by(|a, b| a.0.cmp(&b.0));
            let settle = |(name, value)| {
                let name: String = name;
                (named(&name, ids), settled(value, ids))
            };
            Value::Object(properties.into_iter().map(settle).collect())
        }
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| settled(item, ids)).collect())
        }
        Value::String(text) => Value::String(named(&text, ids)),
        other => other,
    }
}

/// A text with each id of a run called by its kind and number, e.g. `{{run_1}}`.
pub(crate) fn named(text: &str, ids: &mut Ids) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = id_at(rest).map(|(length, kind)| {
            let id = rest.get(..length).unwrap_or_default();
            done.push_str(&name_of(id, kind, ids));
            length
        });
        let length = length.unwrap_or_else(|| {
            done.push(letter);
            letter.len_utf8()
        });
        rest = rest.get(length..).unwrap_or_default();
    }
    done
}

fn name_of(id: &str, kind: &str, ids: &mut Ids) -> String {
    if let Some((name, _)) = ids.iter().find(|(_, known)| known == id) {
        return name.clone();
    }
    let number = 1 + ids.iter().filter(|(_, known)| kind_of(known) == Some(kind)).count();
    let name = format!("{{{{{kind}_{number}}}}}");
    ids.push((name.clone(), id.to_owned()));
    name
}

fn kind_of(id: &str) -> Option<&str> {
    id_at(id).map(|(_, kind)| kind)
}

/// The length and the kind of an id that a text begins with: one of ours, or a placeholder of the
/// guard, whose nonce is drawn anew for each conversation.
fn id_at(text: &str) -> Option<(usize, &str)> {
    const DIGITS: usize = 32;
    if let Some(inner) = text.strip_prefix('<') {
        let tag = inner.bytes().take_while(u8::is_ascii_uppercase).count();
        let rest = inner.get(tag..)?.strip_prefix('_')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let rest = rest.get(digits..)?.strip_prefix(':')?;
        let is_nonce = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let nonce = rest.bytes().take_while(is_nonce).count();
        let closed = rest.get(nonce..)?.starts_with('>');
        let whole = tag > 0 && digits > 0 && (3..=12).contains(&nonce) && closed;
        return whole.then_some((tag + digits + nonce + 4, inner.get(..tag)?));
    }
    let prefixes = [
        RunId::PREFIX,
        SessionId::PREFIX,
        ApprovalId::PREFIX,
        ReservationId::PREFIX,
        OwnerId::PREFIX,
    ];
    let prefix = prefixes.into_iter().find(|prefix| text.starts_with(prefix))?;
    let digits = text.get(prefix.len()..)?.bytes();
    let is_digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    (digits.take_while(is_digit).count() == DIGITS)
        .then_some((prefix.len() + DIGITS, prefix.trim_end_matches('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> String {
        RunId::from_u128(number).to_string()
    }

    #[test]
    fn ids_of_a_run_are_called_by_their_kind_and_number() {
        let mut ids = Ids::new();
        let text = format!("{} and {}.5 <CARD_1:k7q> <CARD_2:k7q> {} <b:c>", id(1), id(2), id(1));
        let expected = "{{run_1}} and {{run_2}}.5 {{CARD_1}} {{CARD_2}} {{run_1}} <b:c>";
        assert_eq!(named(&text, &mut ids), expected);
        assert_eq!(ids.len(), 4);
        let mut others = Ids::new();
        let text = format!("{} and {}.5 <CARD_1:zz9> <CARD_2:zz9> {} <b:c>", id(7), id(8), id(7));
        assert_eq!(named(&text, &mut others), expected);
        assert_eq!(others[2], ("{{CARD_1}}".to_owned(), "<CARD_1:zz9>".to_owned()));
    }

    #[test]
    fn what_only_looks_like_an_id_stays() {
        for text in ["run_", "run_12", "<CARD_1:k>", "<CARD_:kkk>", "<_1:kkk>", "<CARD_1:kkk", "é<"]
        {
            assert_eq!(named(text, &mut Ids::new()), text);
        }
    }
}
