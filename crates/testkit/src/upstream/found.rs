//! What a provider of vectors and of orders finds, in the form that a request's path and fields ask
//! for. Written from the vendors' references and without the wires' code.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::protocol::set;

/// Vectors of texts, or an order of documents: whichever the request asks for. A text's vector is
/// its place, its length in bytes and 1; the last document is the best.
#[derive(Clone, Debug)]
pub struct FoundReply {
    tokens: Option<u64>,
    mishap: Option<Mishap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    Missing,
    Twice,
    Misfit,
    NoNumber,
}

impl Default for FoundReply {
    fn default() -> Self {
        Self { tokens: Some(10), mishap: None }
    }
}

impl FoundReply {
    /// States the tokens; 10 unless it does.
    #[must_use]
    pub fn usage(mut self, tokens: u64) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Says nothing of what it cost.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.tokens = None;
        self
    }

    /// Leaves one vector or document out.
    #[must_use]
    pub fn with_one_missing(mut self) -> Self {
        self.mishap = Some(Mishap::Missing);
        self
    }

    /// Names the first document for the second one as well; in a list of vectors, gives both the
    /// same number, where the form has numbers, and else one vector too many.
    #[must_use]
    pub fn with_one_twice(mut self) -> Self {
        self.mishap = Some(Mishap::Twice);
        self
    }

    /// Makes the last vector longer than the others; an order's first document is one that was
    /// never sent.
    #[must_use]
    pub fn with_one_that_does_not_fit(mut self) -> Self {
        self.mishap = Some(Mishap::Misfit);
        self
    }

    /// Has `null` for a number, or for a score.
    #[must_use]
    pub fn with_one_that_is_no_number(mut self) -> Self {
        self.mishap = Some(Mishap::NoNumber);
        self
    }

    /// The body in answer to a request to this path.
    pub fn body(&self, path: &str, request: &[u8]) -> Bytes {
        let path = path.split('?').next().unwrap_or_default();
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let body = if path.ends_with("/v2/rerank") {
            self.cohere_order(&request)
        } else if path.ends_with("/rerank") {
            self.order(&request)
        } else if path.ends_with("/v2/embed") {
            self.cohere_vectors(&request)
        } else if path.ends_with(":batchEmbedContents") {
            self.gemini_vectors(&request)
        } else if path.ends_with("/api/embed") {
            self.ollama_vectors(&request)
        } else {
            self.vectors(&request)
        };
        body.to_string().into()
    }

    /// The vectors of these texts.
    fn of_texts<'t>(&self, texts: impl Iterator<Item = Option<&'t str>>) -> Vec<Value> {
        let text = |(place, text): (usize, Option<&str>)| {
            json!([place, text.unwrap_or_default().len(), 1])
        };
        let mut vectors: Vec<Value> = texts.enumerate().map(text).collect();
        match (self.mishap, vectors.last_mut()) {
            (Some(Mishap::Missing), _) => drop(vectors.pop()),
            (Some(Mishap::Misfit), Some(last)) => *last = json!([0, 0, 0, 0]),
            (Some(Mishap::NoNumber), Some(last)) => *last = json!([0, null, 1]),
            _ => {}
        }
        vectors
    }

    fn listed<'r>(&self, request: &'r Value, field: &str) -> Vec<Value> {
        let texts: &'r [Value] = request[field].as_array().map_or(&[], Vec::as_slice);
        self.of_texts(texts.iter().map(Value::as_str))
    }

    fn once_more(&self, mut vectors: Vec<Value>) -> Vec<Value> {
        if self.mishap == Some(Mishap::Twice) {
            vectors.extend(vectors.first().cloned());
        }
        vectors
    }

    /// platform.openai.com/docs/api-reference/embeddings/object; docs.voyageai.com/reference/
    /// embeddings-api counts no prompt apart.
    fn vectors(&self, request: &Value) -> Value {
        let words = [&request["encoding_format"], &request["embedding_type"]];
        let encoded = words.contains(&&json!("base64"));
        let twice = self.mishap == Some(Mishap::Twice);
        let item = |(place, vector): (usize, Value)| {
            let index = if twice && place == 1 { 0 } else { place };
            let embedding = if encoded { packed(&vector) } else { vector };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        };
        let data: Vec<Value> =
            self.listed(request, "input").into_iter().enumerate().map(item).collect();
        let mut body = json!({"object": "list", "data": data, "model": request["model"]});
        if let Some(tokens) = self.tokens {
            let usage = if request["truncation"].is_null() {
                json!({"prompt_tokens": tokens, "total_tokens": tokens})
            } else {
                json!({"total_tokens": tokens})
            };
            set(&mut body, "usage", usage);
        }
        body
    }

    /// docs.cohere.com/reference/embed
    fn cohere_vectors(&self, request: &Value) -> Value {
        let vectors = self.once_more(self.listed(request, "texts"));
        let mut body = json!({
            "id": "da6e531f-54c5-4a73-bf92-f60566d8d753", "texts": request["texts"],
            "embeddings": {"float": vectors}, "response_type": "embeddings_by_type",
        });
        if let Some(tokens) = self.tokens {
            let meta = json!({
                "api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens},
            });
            set(&mut body, "meta", meta);
        }
        body
    }

    /// ai.google.dev/api/embeddings#method:-models.batchembedcontents
    fn gemini_vectors<'r>(&self, request: &'r Value) -> Value {
        let requests: &'r [Value] = request["requests"].as_array().map_or(&[], Vec::as_slice);
        let text = |request: &'r Value| request.pointer("/content/parts/0/text")?.as_str();
        let vectors = self.once_more(self.of_texts(requests.iter().map(text)));
        let items = vectors.into_iter().map(|vector| json!({"values": vector}));
        let mut body = json!({"embeddings": items.collect::<Value>()});
        if let Some(tokens) = self.tokens {
            set(&mut body, "usageMetadata", json!({"promptTokenCount": tokens}));
        }
        body
    }

    /// docs.ollama.com/api/embed
    fn ollama_vectors(&self, request: &Value) -> Value {
        let vectors = self.once_more(self.listed(request, "input"));
        let mut body = json!({
            "model": request["model"], "embeddings": vectors, "total_duration": 14_143_917,
            "load_duration": 1_019_500,
        });
        if let Some(tokens) = self.tokens {
            set(&mut body, "prompt_eval_count", tokens);
        }
        body
    }

    /// The places of the documents and their scores, the best first.
    fn ranks(&self, request: &Value) -> Vec<Value> {
        let count = request["documents"].as_array().map_or(0, Vec::len);
        let top = [&request["top_n"], &request["top_k"]].into_iter().find_map(Value::as_u64);
        let top = top.and_then(|top| usize::try_from(top).ok()).unwrap_or(count);
        let scores = (1_u32..).map(|place| 1.0 / f64::from(place));
        let rank = |(index, score): (usize, f64)| json!({"index": index, "relevance_score": score});
        let mut ranks: Vec<Value> = (0..count).rev().zip(scores).take(top).map(rank).collect();
        let first = ranks.first().map(|first| first["index"].clone()).unwrap_or_default();
        match (self.mishap, ranks.last_mut()) {
            (Some(Mishap::Missing), _) => drop(ranks.pop()),
            (Some(Mishap::Twice), Some(last)) => set(last, "index", first),
            (Some(Mishap::Misfit), Some(last)) => set(last, "index", count),
            (Some(Mishap::NoNumber), Some(last)) => set(last, "relevance_score", Value::Null),
            _ => {}
        }
        ranks
    }

    /// docs.cohere.com/reference/rerank
    fn cohere_order(&self, request: &Value) -> Value {
        let mut body = json!({
            "id": "07734bd2-2473-4f07-94e1-0d9f0e6843cf", "results": self.ranks(request),
        });
        if self.tokens.is_some() {
            let meta = json!({
                "api_version": {"version": "2", "is_experimental": false},
                "billed_units": {"search_units": 1},
            });
            set(&mut body, "meta", meta);
        }
        body
    }

    /// docs.voyageai.com/reference/reranker-api and jina.ai/reranker: the same under two names.
    fn order(&self, request: &Value) -> Value {
        let list = if request["truncation"].is_null() { "results" } else { "data" };
        let mut body = json!({"object": "list", "model": request["model"]});
        set(&mut body, list, self.ranks(request));
        if let Some(tokens) = self.tokens {
            set(&mut body, "usage", json!({"total_tokens": tokens}));
        }
        body
    }
}

/// A vector as base64 of little-endian numbers of 32 bits. What is no number is not one there.
fn packed(vector: &Value) -> Value {
    let numbers = vector.as_array().map_or(&[][..], Vec::as_slice).iter();
    let bytes: Vec<u8> = numbers.flat_map(|number| narrow(number).to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes).into()
}

#[expect(clippy::cast_possible_truncation, reason = "the script's numbers are small and whole")]
fn narrow(number: &Value) -> f32 {
    number.as_f64().map_or(f32::NAN, |number| number as f32)
}
