//! The shape that OpenAI's embeddings have and others took over (platform.openai.com/docs/
//! api-reference/embeddings/create): texts in, a list of numbered vectors out. What differs are
//! names.

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::check::{self, Numbers, malformed, object, ordered, post};
use super::{EmbedCall, EmbedWire, Embedded, Purpose};
use crate::error::{DecodeError, EncodeError};
use crate::json::{Count, Fields, Object, Str, lenient, skip};
use crate::model::Target;
use crate::object::Writer;
use crate::wire::HttpRequest;

/// One dialect of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    name: &'static str,
    most_texts: usize,
    /// The field of the vectors' length.
    dimensions: &'static str,
    /// The field of the purpose, and its words for queries and documents.
    purpose: Option<(&'static str, &'static str, &'static str)>,
    /// A field whose `base64` asks for a quarter of the bytes.
    base64: Option<&'static str>,
    /// A field that, when false, has too long a text refused instead of cut.
    cut: Option<&'static str>,
}

impl Listed {
    /// OpenAI itself.
    pub const OPENAI: Self = Self {
        name: "openai",
        most_texts: 2_048,
        dimensions: "dimensions",
        purpose: None,
        base64: Some("encoding_format"),
        cut: None,
    };
    /// Servers that know no encoding but numbers.
    pub const COMPATIBLE: Self =
        Self { name: "openai-compatible", most_texts: 256, base64: None, ..Self::OPENAI };
    /// Mistral (docs.mistral.ai/api/endpoint/embeddings).
    pub const MISTRAL: Self = Self {
        name: "mistral",
        most_texts: 512,
        dimensions: "output_dimension",
        base64: None,
        ..Self::OPENAI
    };
    /// NVIDIA's NeMo Retriever (docs.nvidia.com/nim/nemo-retriever/text-embedding).
    pub const NVIDIA: Self = Self {
        name: "nvidia",
        most_texts: 96,
        purpose: Some(("input_type", "query", "passage")),
        ..Self::OPENAI
    };
    /// Voyage (docs.voyageai.com/reference/embeddings-api).
    pub const VOYAGE: Self = Self {
        name: "voyage",
        most_texts: 1_000,
        dimensions: "output_dimension",
        purpose: Some(("input_type", "query", "document")),
        base64: Some("encoding_format"),
        cut: Some("truncation"),
    };
    /// Jina (jina.ai/embeddings).
    pub const JINA: Self = Self {
        name: "jina",
        most_texts: 512,
        dimensions: "dimensions",
        purpose: Some(("task", "retrieval.query", "retrieval.passage")),
        base64: Some("embedding_type"),
        cut: Some("truncate"),
    };
}

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/embeddings";

#[derive(Debug, Default)]
struct Body<'a> {
    model: Str<'a>,
    data: Option<Vec<Object<Item>>>,
    usage: Option<&'a RawValue>,
}

#[derive(Debug, Default)]
struct Item {
    index: Count,
    numbers: Option<Numbers>,
}

#[derive(Debug, Default)]
struct Tokens {
    prompt: Count,
    total: Count,
}

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "model" => self.model = map.next_value()?,
            "data" => self.data = Some(map.next_value()?),
            "usage" => self.usage = Some(map.next_value()?),
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
            "index" => self.index = map.next_value()?,
            "embedding" => self.numbers = Some(map.next_value()?),
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
            "prompt_tokens" => self.prompt = map.next_value()?,
            "total_tokens" => self.total = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl EmbedWire for Listed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn most_texts(&self) -> usize {
        self.most_texts
    }

    fn encode(&self, call: &EmbedCall<'_>, target: &Target) -> Result<HttpRequest, EncodeError> {
        check::call(call, self.most_texts, target)?;
        let mut body = Vec::new();
        let mut fields = Writer::object(&mut body);
        fields.text("model", &target.model);
        check::texts(&mut fields, "input", call);
        if let Some((key, query, document)) = self.purpose {
            let word = if call.purpose == Purpose::Query { query } else { document };
            fields.text(key, word);
        }
        if let Some(dimensions) = call.dimensions {
            fields.value(self.dimensions, &dimensions);
        }
        if let Some(key) = self.base64 {
            fields.text(key, "base64");
        }
        if let Some(key) = self.cut {
            fields.value(key, &false);
        }
        fields.end();
        let path = target.provider.embed_path.as_deref().unwrap_or(PATH);
        post(target, target.address_at(path, &[])?, body, Vec::new())
    }

    fn decode(&self, call: &EmbedCall<'_>, body: &[u8]) -> Result<Embedded, DecodeError> {
        let body: Body<'_> = object(body)?;
        let data = body.data.ok_or(DecodeError::NotAReply { missing: "data" })?;
        let numbered = data.into_iter().map(|Object(item)| {
            let numbers = item.numbers.ok_or_else(|| malformed("an item without its vector"))?;
            Ok((item.index.0, numbers.0))
        });
        let vectors = ordered(call, numbered.collect::<Result<_, DecodeError>>()?)?;
        let raw = body.usage.filter(|raw| raw.get() != "null");
        let Object(tokens) =
            raw.map(|raw| lenient::<Object<Tokens>>(raw.get())).unwrap_or_default();
        Ok(Embedded {
            vectors,
            usage: Usage { input_tokens: tokens.prompt.0.or(tokens.total.0), ..Usage::default() },
            raw_usage: raw.map(|raw| Json::from(raw.to_owned())),
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
        use crate::wire::Wire as _;
        crate::openai_chat::OpenAiChat.fault(status, headers, body, target)
    }
}
