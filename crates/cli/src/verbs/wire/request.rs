//! Messages as people write them into a file for `wire encode`: the parts that `wire decode`
//! prints, or plain text.

use std::collections::HashMap;
use std::sync::Arc;

use largestack_types::call::{Settings, ToolChoice};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{
    Arguments, Body, Citation, Media, Part, PartId, Reasoning, ToolCall, ToolResult,
};
use largestack_types::tool::ToolSpec;
use serde::Deserialize;

/// What a file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    messages: Vec<WrittenMessage>,
    #[serde(default)]
    tools: Vec<WrittenTool>,
    #[serde(default)]
    pub(super) tool_choice: ToolChoice,
    #[serde(default)]
    pub(super) settings: Settings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMessage {
    role: Role,
    /// Short for one part of text.
    #[serde(default)]
    content: Option<Arc<str>>,
    #[serde(default)]
    parts: Vec<Json>,
}

/// Whether a part is one of a journal, which always has a label.
#[derive(Deserialize)]
struct Journaled {
    label: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTool {
    name: Arc<str>,
    #[serde(default)]
    description: Arc<str>,
    parameters: Json,
}

/// A part. One struct of optional fields: a tagged enum would lose JSON as it was written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPart {
    #[serde(rename = "type")]
    kind: String,
    text: Option<Arc<str>>,
    id: Option<Arc<str>>,
    name: Option<Arc<str>>,
    arguments: Option<Json>,
    arguments_text: Option<Arc<str>>,
    #[serde(default)]
    is_error: bool,
    signature: Option<Arc<str>>,
    #[serde(default)]
    redacted: bool,
    media: Option<Media>,
    source: Option<Arc<str>>,
    title: Option<Arc<str>>,
    quote: Option<Arc<str>>,
    raw: Option<Json>,
}

impl Written {
    /// Messages alone.
    pub(super) fn of(messages: Vec<WrittenMessage>) -> Self {
        Self { messages, ..Self::default() }
    }

    /// The messages as a run holds them.
    pub(super) fn messages(&self) -> Result<Vec<Arc<Message>>> {
        let mut calls = Calls::default();
        let read = |(number, message): (u32, &WrittenMessage)| message.read(number, &mut calls);
        (1..).zip(&self.messages).map(read).collect()
    }

    /// The tools on offer.
    pub(super) fn tools(&self) -> Result<Arc<[ToolSpec]>> {
        let specs = self.tools.iter().map(|tool| {
            if !tool.parameters.as_str().starts_with('{') {
                let detail = format!("`parameters` of tool {} is not an object", tool.name);
                return Err(LargestackError::other(Code::Input, detail));
            }
            Ok(ToolSpec {
                name: Arc::clone(&tool.name),
                description: Arc::clone(&tool.description),
                parameters: tool.parameters.clone(),
                idempotent: false,
                origin: Origin::Tool,
                native: None,
                server: false,
            })
        });
        specs.collect()
    }
}

/// Our ids of calls, by the ids in the file, so that results find their calls.
#[derive(Default)]
struct Calls {
    known: HashMap<Arc<str>, CallId>,
    last: u32,
}

impl Calls {
    fn begin(&mut self, id: &Arc<str>) -> CallId {
        self.last += 1;
        let call = CallId::of(EffectId::new(self.last));
        self.known.insert(Arc::clone(id), call);
        call
    }

    fn answer(&self, id: &Arc<str>) -> CallId {
        self.known.get(id).copied().unwrap_or_default()
    }
}

impl WrittenMessage {
    fn read(&self, number: u32, calls: &mut Calls) -> Result<Arc<Message>> {
        let label = Label::from_origin(match self.role {
            Role::System => Origin::Operator,
            Role::User => Origin::User,
            Role::Assistant => Origin::Agent,
            Role::Tool => Origin::Tool,
        });
        let mut bodies: Vec<Body> = self.content.iter().cloned().map(Body::Text).collect();
        for part in &self.parts {
            bodies.push(body(part, number, calls)?);
        }
        let parts = (0..).zip(bodies).map(|(index, body)| Part {
            id: PartId::new(number, index),
            label,
            body,
            native: None,
        });
        Ok(Arc::new(Message { role: self.role, parts: parts.collect(), native: None }))
    }
}

/// A part as people write it, or as a journal holds it.
fn body(part: &Json, message: u32, calls: &mut Calls) -> Result<Body> {
    let unreadable = |error: serde_json::Error| {
        LargestackError::other(Code::Input, format!("message {message}: a part: {error}"))
    };
    if part.to::<Journaled>().is_ok_and(|part| part.label.is_some()) {
        return part.to::<Part>().map(|part| part.body).map_err(unreadable);
    }
    part.to::<WrittenPart>().map_err(unreadable)?.read(message, calls)
}

impl WrittenPart {
    fn read(&self, message: u32, calls: &mut Calls) -> Result<Body> {
        let lacks = |field: &str| {
            let kind = &self.kind;
            let detail = format!("message {message}: a part of type `{kind}` lacks `{field}`");
            LargestackError::other(Code::Input, detail)
        };
        let text = || self.text.clone().ok_or_else(|| lacks("text"));
        let raw = || self.raw.clone().ok_or_else(|| lacks("raw"));
        let id = self.id.clone().unwrap_or_default();
        Ok(match self.kind.as_str() {
            "text" => Body::Text(text()?),
            "refusal" => Body::Refusal(text()?),
            "reasoning" => Body::Reasoning(Reasoning {
                text: self.text.clone().unwrap_or_default(),
                signature: self.signature.clone(),
                redacted: self.redacted,
                raw: self.raw.clone(),
            }),
            "tool_call" => Body::ToolCall(ToolCall {
                call: calls.begin(&id),
                provider_id: id,
                name: self.name.clone().ok_or_else(|| lacks("name"))?,
                arguments: match (&self.arguments, &self.arguments_text) {
                    (Some(json), _) => Arguments::Json(json.clone()),
                    (None, Some(text)) => Arguments::from_text(text),
                    (None, None) => Arguments::Json(Json::empty_object()),
                },
            }),
            "tool_result" => Body::ToolResult(ToolResult {
                call: calls.answer(&id),
                provider_id: id,
                name: self.name.clone().unwrap_or_default(),
                text: text()?,
                media: Vec::new(),
                is_error: self.is_error,
                handle: None,
            }),
            "media" => Body::Media(self.media.clone().ok_or_else(|| lacks("media"))?),
            "citation" => Body::Citation(Citation {
                source: self.source.clone().ok_or_else(|| lacks("source"))?,
                title: self.title.clone(),
                quote: self.quote.clone(),
                raw: self.raw.clone(),
                ..Citation::default()
            }),
            "server_tool" => Body::ServerTool(raw()?),
            "unknown" => Body::Unknown(raw()?),
            other => {
                let detail = format!("message {message}: there is no part of type `{other}`");
                return Err(LargestackError::other(Code::Input, detail));
            }
        })
    }
}
