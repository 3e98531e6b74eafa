//! Cohere's reranker, version 2 (docs.cohere.com/reference/rerank). It is paid by searches.

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::usage::Usage;

use super::listed::{Body, results};
use super::{RerankCall, RerankWire, Reranked, check, ranked};
use crate::embed::{object, post, units};
use crate::error::{DecodeError, EncodeError};
use crate::model::Target;
use crate::object::Writer;
use crate::wire::{HttpRequest, Wire as _};

/// The wire `cohere`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CohereRerank;

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/v2/rerank";

impl RerankWire for CohereRerank {
    fn name(&self) -> &'static str {
        "cohere"
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
            fields.value("top_n", &top);
        }
        fields.end();
        let path = target.provider.rerank_path.as_deref().unwrap_or(PATH);
        post(target, target.address_at(path, &[])?, body, Vec::new())
    }

    fn decode(&self, call: &RerankCall<'_>, body: &[u8]) -> Result<Reranked, DecodeError> {
        let body: Body<'_> = object(body)?;
        let units = units(body.meta);
        Ok(Reranked {
            ranks: ranked(call, &results(body.results)?)?,
            usage: Usage { input_tokens: units.input.0, ..Usage::default() },
            searches: units.searches.0,
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
