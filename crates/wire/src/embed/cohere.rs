//! Cohere's embeddings, version 2 (docs.cohere.com/reference/embed).

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::check::{self, Numbers, object, post, vectors};
use super::{EmbedCall, EmbedWire, Embedded, Purpose};
use crate::error::{DecodeError, EncodeError};
use crate::json::{Count, Fields, Object, lenient, skip};
use crate::model::Target;
use crate::object::Writer;
use crate::wire::{HttpRequest, Wire as _};

/// The wire `cohere`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CohereEmbed;

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/v2/embed";

/// Any level of a body on the way to what it holds.
#[derive(Debug, Default)]
struct Body<'a> {
    vectors: Option<Vec<Numbers>>,
    embeddings: Option<Object<Floats>>,
    meta: Option<&'a RawValue>,
}

#[derive(Debug, Default)]
struct Floats(Option<Vec<Numbers>>);

/// `meta` and its `billed_units`.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    billed: Object<Units>,
}

/// What is paid for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Units {
    /// Tokens.
    pub(crate) input: Count,
    /// Searches of a reranker.
    pub(crate) searches: Count,
}

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "embeddings" => {
                let raw: &RawValue = map.next_value()?;
                // The first version's form: the vectors themselves.
                if raw.get().starts_with('[') {
                    self.vectors = Some(read(raw)?);
                } else {
                    self.embeddings = Some(read(raw)?);
                }
            }
            "meta" => self.meta = Some(map.next_value()?),
            _ => skip(map)?,
        }
        Ok(())
    }
}

fn read<'a, T: serde::Deserialize<'a>, E: serde::de::Error>(raw: &'a RawValue) -> Result<T, E> {
    serde_json::from_str(raw.get()).map_err(E::custom)
}

impl<'de> Fields<'de> for Floats {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "float" | "float_" | "base64" => self.0 = Some(map.next_value()?),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Meta {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "billed_units" => self.billed = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Units {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "input_tokens" => self.input = map.next_value()?,
            "search_units" => self.searches = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// What the `meta` of a body says is paid for.
pub(crate) fn units(meta: Option<&RawValue>) -> Units {
    let Object(meta) = meta.map(|raw| lenient::<Object<Meta>>(raw.get())).unwrap_or_default();
    meta.billed.0
}

impl EmbedWire for CohereEmbed {
    fn name(&self) -> &'static str {
        "cohere"
    }

    fn most_texts(&self) -> usize {
        96
    }

    fn encode(&self, call: &EmbedCall<'_>, target: &Target) -> Result<HttpRequest, EncodeError> {
        check::call(call, self.most_texts(), target)?;
        let mut body = Vec::new();
        let mut fields = Writer::object(&mut body);
        fields.text("model", &target.model);
        check::texts(&mut fields, "texts", call);
        let query = call.purpose == Purpose::Query;
        fields.text("input_type", if query { "search_query" } else { "search_document" });
        fields.raw("embedding_types", "[\"float\"]");
        if let Some(dimensions) = call.dimensions {
            fields.value("output_dimension", &dimensions);
        }
        fields.text("truncate", "NONE");
        fields.end();
        let path = target.provider.embed_path.as_deref().unwrap_or(PATH);
        post(target, target.address_at(path, &[])?, body, Vec::new())
    }

    fn decode(&self, call: &EmbedCall<'_>, body: &[u8]) -> Result<Embedded, DecodeError> {
        let body: Body<'_> = object(body)?;
        let listed = body.embeddings.and_then(|Object(floats)| floats.0).or(body.vectors);
        let listed = listed.ok_or(DecodeError::NotAReply { missing: "embeddings" })?;
        let listed = listed.into_iter().map(|numbers| numbers.0).collect();
        Ok(Embedded {
            vectors: vectors(call, listed)?,
            usage: Usage { input_tokens: units(body.meta).input.0, ..Usage::default() },
            raw_usage: body.meta.map(|raw| Json::from(raw.to_owned())),
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
        crate::cohere::CohereV2.fault(status, headers, body, target)
    }
}
