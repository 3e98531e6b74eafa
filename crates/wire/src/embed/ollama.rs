//! Ollama's embeddings (docs.ollama.com/api/embed).

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::check::{self, Numbers, object, post, vectors};
use super::{EmbedCall, EmbedWire, Embedded};
use crate::error::{DecodeError, EncodeError};
use crate::json::{Count, Fields, Str, lenient, skip};
use crate::model::Target;
use crate::object::{Writer, json};
use crate::wire::{HttpRequest, Wire as _};

/// The wire `ollama`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OllamaEmbed;

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/api/embed";

#[derive(Debug, Default)]
struct Body<'a> {
    model: Str<'a>,
    embeddings: Option<Vec<Numbers>>,
    count: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "model" => self.model = map.next_value()?,
            "embeddings" => self.embeddings = Some(map.next_value()?),
            "prompt_eval_count" => self.count = Some(map.next_value()?),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl EmbedWire for OllamaEmbed {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn most_texts(&self) -> usize {
        // The server sets no limit; it works them off one by one.
        512
    }

    /// The models' own prefixes for queries are in their templates or in the text: the protocol
    /// has no word for the purpose.
    fn encode(&self, call: &EmbedCall<'_>, target: &Target) -> Result<HttpRequest, EncodeError> {
        check::call(call, self.most_texts(), target)?;
        let mut body = Vec::new();
        let mut fields = Writer::object(&mut body);
        fields.text("model", &target.model);
        check::texts(&mut fields, "input", call);
        fields.value("truncate", &false);
        if let Some(dimensions) = call.dimensions {
            fields.value("dimensions", &dimensions);
        }
        fields.end();
        let path = target.provider.embed_path.as_deref().unwrap_or(PATH);
        post(target, target.address_at(path, &[])?, body, Vec::new())
    }

    fn decode(&self, call: &EmbedCall<'_>, body: &[u8]) -> Result<Embedded, DecodeError> {
        let body: Body<'_> = object(body)?;
        let listed = body.embeddings.ok_or(DecodeError::NotAReply { missing: "embeddings" })?;
        let listed = listed.into_iter().map(|numbers| numbers.0).collect();
        let raw = body.count.map(|count| {
            json(|out| {
                let mut fields = Writer::object(out);
                fields.raw("prompt_eval_count", count.get());
                fields.end();
            })
        });
        let count = body.count.and_then(|count| lenient::<Count>(count.get()).0);
        Ok(Embedded {
            vectors: vectors(call, listed)?,
            usage: Usage { input_tokens: count, ..Usage::default() },
            raw_usage: raw,
            model: body.model.non_empty().map(Into::into),
        })
    }

    fn fault(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        target: &Target,
    ) -> LargestackError {
        crate::ollama::Ollama.fault(status, headers, body, target)
    }
}
