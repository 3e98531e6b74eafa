//! How an answer gets its shape: the schema of a call, brought to a model in the way that fits it
//! best. The provider enforces it where it can (in its own dialect of JSON Schema); else it is the
//! parameters of a tool that gives the answer; else it stands in the instructions. Whichever way,
//! the reply that comes out holds the answer as text, so that nobody behind a decoder needs to
//! know. What a provider is not told is reported, or the call is refused; that an answer fits is
//! checked by whoever asked.

use std::sync::Arc;

use largestack_types::call::{Call, OnLoss, OutputMode, Settings};
use largestack_types::message::Message;
use largestack_types::tool::ToolSpec;

use crate::error::EncodeError;
use crate::model::Target;
use crate::profile::Structured;
use crate::quirk::{Field, Quirk};
use crate::schema::{self, Dialect};
use crate::session::Session;
use crate::wire::{Decoder, HttpRequest, Mode, Wire};

mod answer;
mod instruct;
mod root;
mod tool;

/// How one call brings its answer into shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// The provider enforces the schema.
    Native,
    /// The answer is the arguments of a tool.
    Tool,
    /// The provider enforces JSON, the schema is in the instructions.
    JsonObject,
    /// The schema is in the instructions.
    Prompt,
}

impl Method {
    /// The name as records show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Tool => "tool",
            Self::JsonObject => "json_object",
            Self::Prompt => "prompt",
        }
    }

    /// The way this call goes at this target; `None` when it asks for no shape. Refused where the
    /// call insists on a way that the target does not have.
    pub fn of(call: &Call, target: &Target) -> Result<Option<Self>, EncodeError> {
        if call.settings.output_schema.is_none() {
            return Ok(None);
        }
        let can = Can::of(call, target);
        let unsupported = |what: &'static str| EncodeError::Unsupported {
            what: what.into(),
            provider: target.provider.name.clone(),
            model: target.model.clone(),
        };
        let method = match call.settings.output_mode {
            OutputMode::Native if can.native == Some(Self::Native) => Self::Native,
            OutputMode::Native => return Err(unsupported("a schema for the answer")),
            OutputMode::Tool if can.tools => Self::Tool,
            OutputMode::Tool => return Err(unsupported("tools")),
            OutputMode::Prompt => Self::Prompt,
            OutputMode::Auto => match can.native {
                Some(method) => method,
                None if can.tools && target.profile.structured != Structured::Prompt => Self::Tool,
                None => Self::Prompt,
            },
        };
        Ok(Some(method))
    }
}

/// What a target can do for the shape of this call.
struct Can {
    /// What its provider enforces.
    native: Option<Method>,
    tools: bool,
}

impl Can {
    fn of(call: &Call, target: &Target) -> Self {
        let (provider, profile) = (&target.provider, &target.profile);
        let beside = profile.shape_beside_tools && !provider.lacks(Field::SchemaBesideTools);
        let taken = !provider.lacks(Field::OutputSchema) && (beside || call.tools.is_empty());
        let native = match profile.structured {
            Structured::Schema if provider.has(Quirk::JsonObjectOnly) => Some(Method::JsonObject),
            Structured::Schema => Some(Method::Native),
            Structured::JsonObject => Some(Method::JsonObject),
            Structured::Tool | Structured::Prompt => None,
        };
        Self {
            native: native.filter(|_| taken),
            tools: profile.tools && !provider.lacks(Field::Tools),
        }
    }
}

/// The dialect of JSON Schema in which a target is told the shape of an answer. Gemini's wire has
/// two fields with a dialect each, and chooses itself.
pub fn dialect(target: &Target) -> Dialect {
    match &*target.provider.wire {
        "openai-chat" | "openai-responses" => Dialect::OpenAiStrict,
        // Cohere's subset is about Anthropic's: no references, no bounds, no lengths
        // (docs.cohere.com/docs/structured-outputs, "Unsupported schema features").
        "anthropic-messages" | "bedrock-anthropic" | "vertex-anthropic" | "bedrock-converse"
        | "cohere-v2" => Dialect::AnthropicStrict,
        "ollama" => Dialect::Grammar,
        _ => Dialect::Plain,
    }
}

/// What stands in the place of a call's own settings, tools and instructions. Kept with the
/// session, so that the same call is the same pointers and nothing is encoded anew.
#[derive(Debug)]
pub(crate) struct Shaped {
    key: Key,
    settings: Arc<Settings>,
    tools: Arc<[ToolSpec]>,
    lost: Vec<&'static str>,
    /// The message that was first, and the one with the schema in its place.
    instructions: Option<(Option<Arc<Message>>, Arc<Message>)>,
}

#[derive(Debug)]
struct Key {
    settings: Arc<Settings>,
    tools: Arc<[ToolSpec]>,
    method: Option<Method>,
    dialect: Dialect,
}

impl Key {
    fn fits(&self, call: &Call, method: Option<Method>, dialect: Dialect) -> bool {
        Arc::ptr_eq(&self.settings, &call.settings)
            && Arc::ptr_eq(&self.tools, &call.tools)
            && self.method == method
            && self.dialect == dialect
    }
}

impl Shaped {
    fn new(call: &Call, method: Option<Method>, dialect: Dialect) -> Self {
        let mut lost = Vec::new();
        let mut settings = Arc::clone(&call.settings);
        // Gemini's wire lowers the parameters of tools by itself.
        let tools = if dialect == Dialect::Plain { None } else { root::closed(&call.tools) };
        let mut tools = match tools {
            Some((tools, words)) => {
                lost.extend(words);
                tools
            }
            None => Arc::clone(&call.tools),
        };
        match (method, &call.settings.output_schema) {
            (Some(Method::Native), Some(output)) => {
                let (lowered, what) = schema::down_level(&output.schema, dialect);
                if lowered.as_str() != output.schema.as_str() {
                    let own = Arc::make_mut(&mut settings);
                    own.output_schema.iter_mut().for_each(|own| own.schema = lowered.clone());
                }
                lost.extend(schema::dropped(schema::Of::Output, &what));
            }
            (Some(Method::Tool), Some(output)) => {
                tools = tool::with_answer(&tools, output);
                Arc::make_mut(&mut settings).output_schema = None;
            }
            (Some(Method::Prompt), _) => Arc::make_mut(&mut settings).output_schema = None,
            _ => {}
        }
        let key = Key {
            settings: Arc::clone(&call.settings),
            tools: Arc::clone(&call.tools),
            method,
            dialect,
        };
        Self { key, settings, tools, lost, instructions: None }
    }

    /// Whether the call goes out as it is.
    fn changes_nothing(&self, call: &Call) -> bool {
        let instructed = matches!(self.key.method, Some(Method::JsonObject | Method::Prompt));
        !instructed
            && Arc::ptr_eq(&self.settings, &call.settings)
            && Arc::ptr_eq(&self.tools, &call.tools)
    }

    /// The call in its shape.
    fn call(&mut self, call: &Call, target: &Target) -> Call {
        let mut shaped = Call {
            settings: Arc::clone(&self.settings),
            tools: Arc::clone(&self.tools),
            ..call.clone()
        };
        match self.key.method {
            Some(Method::Tool) => shaped.tool_choice = tool::choice(call, target),
            Some(Method::JsonObject | Method::Prompt) => {
                if let Some(output) = &call.settings.output_schema {
                    let held = self.instructions.take();
                    let (messages, held) = instruct::shaped(&call.messages, output, held);
                    shaped.messages = messages;
                    self.instructions = Some(held);
                }
            }
            Some(Method::Native) | None => {}
        }
        shaped
    }
}

/// The request for a call, its shape included, without credentials; and how that comes about.
/// `session` only saves work: any session, also a new one, gives the same bytes.
pub fn encode(
    wire: &dyn Wire,
    call: &Call,
    target: &Target,
    session: &mut Session,
) -> Result<(HttpRequest, Option<Method>), EncodeError> {
    session.enter(wire.name(), target);
    let method = Method::of(call, target)?;
    if method.is_none() && call.tools.is_empty() {
        // Nothing has a shape: words in, words out.
        let request = wire.encode(call, target, session)?;
        refuse_losses(call, target, &request.dropped)?;
        return Ok((request, None));
    }
    let dialect = dialect(target);
    let held = session.shaped.take().filter(|held| held.key.fits(call, method, dialect));
    let mut shaped = held.unwrap_or_else(|| Box::new(Shaped::new(call, method, dialect)));
    let encoded = if shaped.changes_nothing(call) {
        wire.encode(call, target, session)
    } else {
        wire.encode(&shaped.call(call, target), target, session)
    };
    let encoded = encoded.map(|mut request| {
        let new: Vec<_> =
            shaped.lost.iter().filter(|word| !request.dropped.contains(word)).copied().collect();
        request.dropped.extend(new);
        request
    });
    session.shaped = Some(shaped);
    let mut request = encoded?;
    if method == Some(Method::Prompt) {
        request.dropped.push("output_schema.schema");
    }
    refuse_losses(call, target, &request.dropped)?;
    Ok((request, method))
}

/// A decoder for the reply to a call: an answer that comes as the arguments of a tool comes out as
/// text.
pub fn decoder(
    wire: &dyn Wire,
    mode: Mode,
    call: &Call,
    target: &Target,
) -> Box<dyn Decoder + Send> {
    let inner = wire.decoder(mode, target);
    match Method::of(call, target) {
        Ok(Some(Method::Tool)) => Box::new(answer::Answering::new(inner, tool::name(&call.tools))),
        _ => inner,
    }
}

fn refuse_losses(call: &Call, target: &Target, dropped: &[&str]) -> Result<(), EncodeError> {
    let policy = |word: &&&str| {
        let of_schema = word.starts_with("output_schema.") || word.starts_with("tools.schema:");
        let settings = &call.settings;
        let policy = if of_schema { settings.on_lossy_schema } else { settings.on_unsupported };
        policy == OnLoss::Refuse
    };
    let refused: Vec<&str> = dropped.iter().filter(policy).copied().collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(EncodeError::Lossy {
        what: refused.join(", "),
        provider: target.provider.name.clone(),
        model: target.model.clone(),
    })
}
