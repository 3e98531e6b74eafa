//! Text with arguments in it, and addresses made of such text.

use largestack_ports::tool::ToolFailure;
use largestack_types::percent::encoded;
use serde_json::Value;

use super::Arguments;

/// Text that is no template of what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotATemplate(pub(crate) String);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Argument(String),
}

/// Text with arguments in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

/// How an argument's text is written where it stands.
type Write = fn(&str) -> String;

/// As it is.
pub(crate) fn plain(text: &str) -> String {
    text.to_owned()
}

impl Text {
    pub(crate) fn parse(text: &str) -> Result<Self, NotATemplate> {
        let mut pieces = Vec::new();
        let mut words = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            words.push_str(before);
            if let Some(behind) = brace.strip_prefix("{{") {
                words.push('{');
                rest = behind;
                continue;
            }
            if let Some(behind) = brace.strip_prefix("}}") {
                words.push('}');
                rest = behind;
                continue;
            }
            let named = brace.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((name, behind)) = named.filter(|(name, _)| is_name(name)) else {
                let why = "has a brace that begins no `{argument}`; `{{` and `}}` stand for braces";
                return Err(NotATemplate(format!("`{text}` {why}")));
            };
            if !words.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut words)));
            }
            pieces.push(Piece::Argument(name.to_owned()));
            rest = behind;
        }
        words.push_str(rest);
        if !words.is_empty() {
            pieces.push(Piece::Text(words));
        }
        Ok(Self(pieces))
    }

    /// Whether an argument stands in it.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Argument(known) if known == name))
    }

    /// The arguments that stand in it.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Argument(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The one argument that it is.
    pub(crate) fn argument(&self) -> Option<&str> {
        match &self.0[..] {
            [Piece::Argument(name)] => Some(name),
            _ => None,
        }
    }

    /// The text with arguments in their places; `None` where one is absent.
    pub(crate) fn filled(&self, arguments: &Arguments, write: Write) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(words) => text.push_str(words),
                Piece::Argument(name) => {
                    text.push_str(&write(&arguments.get(name).and_then(said)?));
                }
            }
        }
        Some(text)
    }

    fn is_literal(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && name.chars().all(fits)
}

/// A value as text; `None` for one that is absent.
pub(crate) fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// An address with arguments behind its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `https://api.example.com:8443`
    origin: String,
    host: String,
    port: u16,
    /// Each with the slash before it.
    segments: Vec<Text>,
    /// Names as they are, and values.
    query: Vec<(String, Option<Text>)>,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, NotATemplate> {
        let wrong = |why: &str| NotATemplate(format!("`{text}` {why}"));
        let (scheme, behind) =
            text.split_once("://").ok_or_else(|| wrong("is no http or https address"))?;
        let usual = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(wrong("is no http or https address")),
        };
        if behind.contains('#') || behind.contains(char::is_whitespace) || behind.contains('\\') {
            return Err(wrong("holds a fragment, white space or a backslash"));
        }
        let end = behind.find(['/', '?']).unwrap_or(behind.len());
        let (authority, rest) = behind.split_at(end);
        if authority.contains(['{', '}']) {
            return Err(wrong("names its host by an argument, which would let a model choose it"));
        }
        if authority.is_empty() || authority.contains('@') {
            return Err(wrong("needs a host and takes no credentials"));
        }
        let (host, port) = split_port(authority, usual).ok_or_else(|| wrong("has no such port"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let segments = path.split('/').skip(1).map(Text::parse).collect::<Result<_, _>>()?;
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(pair).collect::<Result<_, _>>()?;
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        Ok(Self { origin: format!("{scheme}://{authority}"), host, port, segments, query })
    }

    /// The host, in lower case and without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn names(&self, name: &str) -> bool {
        self.arguments().any(|known| known == name)
    }

    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        let values = self.query.iter().filter_map(|(_, value)| value.as_ref());
        self.of_path().chain(values.flat_map(Text::arguments))
    }

    /// The arguments of the path.
    pub(crate) fn of_path(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(Text::arguments)
    }

    /// The address with arguments in their places.
    pub(crate) fn filled(&self, arguments: &Arguments) -> Result<String, ToolFailure> {
        let mut url = self.origin.clone();
        for segment in &self.segments {
            let text = segment.filled(arguments, encoded).ok_or_else(|| {
                ToolFailure::new("an argument is absent that is part of the address's path")
            })?;
            if !segment.is_literal() {
                check_segment(&text)?;
            }
            url.push('/');
            url.push_str(&text);
        }
        let mut sign = '?';
        for (name, value) in &self.query {
            for value in values(value.as_ref(), arguments) {
                url.push(sign);
                url.push_str(name);
                if let Some(value) = value {
                    url.push('=');
                    url.push_str(&value);
                }
                sign = '&';
            }
        }
        Ok(url)
    }
}

/// A segment that an argument has filled: one that is empty or dots leads elsewhere.
pub(crate) fn check_segment(text: &str) -> Result<(), ToolFailure> {
    if text.is_empty() || text.chars().all(|c| c == '.') {
        return Err(ToolFailure::new("an argument in the address's path is empty or only dots"));
    }
    Ok(())
}

/// The values of a pair: none where its argument is absent, as many as a list has.
fn values(value: Option<&Text>, arguments: &Arguments) -> Vec<Option<String>> {
    let Some(text) = value else { return vec![None] };
    if let Some(Value::Array(items)) = text.argument().and_then(|name| arguments.get(name)) {
        return items.iter().filter_map(said).map(|item| Some(encoded(&item))).collect();
    }
    text.filled(arguments, encoded).map(Some).into_iter().collect()
}

fn pair(text: &str) -> Result<(String, Option<Text>), NotATemplate> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(Text::parse(value)?)),
        None => (text, None),
    };
    if name.contains(['{', '}']) {
        return Err(NotATemplate(format!("`{text}` has an argument in the name of a pair")));
    }
    Ok((name.to_owned(), value))
}

fn split_port(authority: &str, usual: u16) -> Option<(&str, u16)> {
    // The colons of an IPv6 address stand in brackets.
    let colon = authority.rfind(':').filter(|at| !authority.get(*at..).unwrap_or("").contains(']'));
    match colon.map(|at| authority.split_at(at)) {
        None => Some((authority, usual)),
        Some((host, port)) => Some((host, port.strip_prefix(':')?.parse().ok()?)),
    }
}
