//! The shape that the rerankers of Voyage (docs.voyageai.com/reference/reranker-api) and Jina
//! (jina.ai/reranker) share with many: documents in, a list of their numbers and scores out.

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::{RerankCall, RerankWire, Reranked, Scored, check, ranked};
use crate::embed::{object, post};
use crate::error::{DecodeError, EncodeError};
use crate::json::{Count, Fields, Object, Str, lenient, skip};
use crate::model::Target;
use crate::object::Writer;
use crate::wire::{HttpRequest, Wire as _};

/// One dialect of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reranker {
    name: &'static str,
    /// The field of how many are wanted.
    top: &'static str,
    /// A field that, when false, has too long a text refused instead of cut.
    cut: Option<&'static str>,
}

impl Reranker {
    /// Voyage.
    pub const VOYAGE: Self = Self { name: "voyage", top: "top_k", cut: Some("truncation") };
    /// Jina, and those who took over its form.
    pub const JINA: Self = Self { name: "jina", top: "top_n", cut: None };
}

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/rerank";

/// A body: the results stand under `results` or `data`.
#[derive(Debug, Default)]
pub(super) struct Body<'a> {
    pub(super) model: Str<'a>,
    pub(super) results: Option<Vec<Object<Item>>>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) meta: Option<&'a RawValue>,
}

/// One result.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) index: Count,
    pub(super) score: Option<f64>,
}

#[derive(Debug, Default)]
struct Tokens(Count);

impl<'de> Fields<'de> for Body<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "model" => self.model = map.next_value()?,
            "results" | "data" => self.results = Some(map.next_value()?),
            "usage" => self.usage = Some(map.next_value()?),
            "meta" => self.meta = Some(map.next_value()?),
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
            "relevance_score" | "score" => self.score = map.next_value()?,
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
            "total_tokens" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The numbers and scores of a body's results.
pub(super) fn results(results: Option<Vec<Object<Item>>>) -> Result<Vec<Scored>, DecodeError> {
    let results = results.ok_or(DecodeError::NotAReply { missing: "results" })?;
    Ok(results.into_iter().map(|Object(item)| (item.index.0, item.score)).collect())
}

impl RerankWire for Reranker {
    fn name(&self) -> &'static str {
        self.name
    }

    fn most_documents(&self) -> usize {
        1_000
    }

    fn encode(&self, call: &RerankCall<'_>, target: &Target) -> Result<HttpRequest, EncodeError> {
        check(call, self.most_documents(), target)?;
        let mut body = Vec::new();
        let mut fields = Writer::object(&mut body);
        fields.text("model", &target.model);
        fields.text("query", call.query);
        fields.value("documents", call.documents);
        if let Some(top) = call.top {
            fields.value(self.top, &top);
        }
        fields.value("return_documents", &false);
        if let Some(key) = self.cut {
            fields.value(key, &false);
        }
        fields.end();
        let path = target.provider.rerank_path.as_deref().unwrap_or(PATH);
        post(target, target.address_at(path, &[])?, body, Vec::new())
    }

    fn decode(&self, call: &RerankCall<'_>, body: &[u8]) -> Result<Reranked, DecodeError> {
        let body: Body<'_> = object(body)?;
        let raw = body.usage.filter(|raw| raw.get() != "null");
        let Object(Tokens(count)) =
            raw.map(|raw| lenient::<Object<Tokens>>(raw.get())).unwrap_or_default();
        Ok(Reranked {
            ranks: ranked(call, &results(body.results)?)?,
            usage: Usage { input_tokens: count.0, ..Usage::default() },
            searches: None,
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
        crate::openai_chat::OpenAiChat.fault(status, headers, body, target)
    }
}
