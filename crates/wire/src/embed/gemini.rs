//! Google's embeddings in batches (ai.google.dev/api/embeddings#method:-models.batchembedcontents).

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::check::{self, Numbers, malformed, object, post, vectors};
use super::{EmbedCall, EmbedWire, Embedded, Purpose};
use crate::error::{DecodeError, EncodeError};
use crate::json::{Count, Fields, Object, lenient, skip};
use crate::model::Target;
use crate::object::Writer;
use crate::wire::{HttpRequest, Wire as _};

/// The wire `gemini`.
#[derive(Clone, Copy, Debug, Default)]
pub struct GeminiEmbed;

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/models/{model}:batchEmbedContents";

#[derive(Debug, Default)]
struct Body<'a> {
    embeddings: Option<Vec<Object<Item>>>,
    usage: Option<&'a RawValue>,
}

#[derive(Debug, Default)]
struct Item(Option<Numbers>);

#[derive(Debug, Default)]
struct Tokens(Count);

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "embeddings" => self.embeddings = Some(map.next_value()?),
            "usageMetadata" => self.usage = Some(map.next_value()?),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Item {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "values" => self.0 = Some(map.next_value()?),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Tokens {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "promptTokenCount" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl EmbedWire for GeminiEmbed {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn most_texts(&self) -> usize {
        100
    }

    fn encode(&self, call: &EmbedCall<'_>, target: &Target) -> Result<HttpRequest, EncodeError> {
        check::call(call, self.most_texts(), target)?;
        let mut body = Vec::new();
        let mut fields = Writer::object(&mut body);
        let mut requests = fields.inner_list("requests");
        for text in call.texts {
            let mut request = Writer::object(requests.item());
            request.text("model", &format!("models/{}", target.model));
            let mut content = request.inner("content");
            let mut parts = content.inner_list("parts");
            let mut part = Writer::object(parts.item());
            part.text("text", text);
            part.end();
            parts.end();
            content.end();
            let query = call.purpose == Purpose::Query;
            request.text("taskType", if query { "RETRIEVAL_QUERY" } else { "RETRIEVAL_DOCUMENT" });
            if let Some(dimensions) = call.dimensions {
                request.value("outputDimensionality", &dimensions);
            }
            request.end();
        }
        requests.end();
        fields.end();
        let path = target.provider.embed_path.as_deref().unwrap_or(PATH);
        post(target, target.address_at(path, &[])?, body, Vec::new())
    }

    fn decode(&self, call: &EmbedCall<'_>, body: &[u8]) -> Result<Embedded, DecodeError> {
        let body: Body<'_> = object(body)?;
        let listed = body.embeddings.ok_or(DecodeError::NotAReply { missing: "embeddings" })?;
        let listed = listed.into_iter().map(|Object(item)| {
            item.0.map(|numbers| numbers.0).ok_or_else(|| malformed("an item without its vector"))
        });
        let vectors = vectors(call, listed.collect::<Result<_, _>>()?)?;
        let raw = body.usage.filter(|raw| raw.get() != "null");
        let Object(Tokens(count)) =
            raw.map(|raw| lenient::<Object<Tokens>>(raw.get())).unwrap_or_default();
        Ok(Embedded {
            vectors,
            usage: Usage { input_tokens: count.0, ..Usage::default() },
            raw_usage: raw.map(|raw| Json::from(raw.to_owned())),
            model: None,
        })
    }

    fn fault(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        target: &Target,
    ) -> LargestackError {
        // Google's error bodies are what its compatible endpoint wraps.
        crate::openai_chat::OpenAiChat.fault(status, headers, body, target)
    }
}
