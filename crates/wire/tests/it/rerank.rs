//! Rerankers: what goes out for each row that has one, and which order is believed.

use largestack_types::error::{Code, Coded};
use largestack_wire::rerank::{RERANK_WIRES, Rank, RerankCall, RerankWire, Reranked};
use largestack_wire::{DecodeError, Target};
use serde_json::{Value, json};

use crate::embed::registry;

const CALL: RerankCall<'static> =
    RerankCall { query: "Which?", documents: &["a", "b", "c"], top: Some(2) };

fn target() -> Target {
    registry().resolve("cohere/m").unwrap()
}

#[test]
fn each_row_that_reranks_sends_this_request() {
    let registry = registry();
    let mut sent = Vec::new();
    for row in registry.providers().filter(|row| row.rerank.is_some()) {
        let target = registry.resolve(&format!("{}/some-model", row.name)).unwrap();
        let request = target.rerank_wire().unwrap().encode(&CALL, &target).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        sent.push(json!({ "row": &*row.name, "to": &*request.url, "body": body }));
    }
    insta::assert_json_snapshot!("rerank_requests", sent);
    assert!(registry.resolve("openai/m").unwrap().rerank_wire().is_err());
}

fn decode(
    wire: &dyn RerankWire,
    call: &RerankCall<'_>,
    results: &Value,
) -> Result<Reranked, DecodeError> {
    let body = match wire.name() {
        "voyage" => {
            json!({"object": "list", "data": results, "model": "m", "usage": {"total_tokens": 9}})
        }
        "jina" => json!({"results": results, "model": "m", "usage": {"total_tokens": 9}}),
        _ => json!({"id": "r", "results": results, "meta": {"billed_units": {"search_units": 1}}}),
    };
    wire.decode(call, body.to_string().as_bytes())
}

fn result(index: i32, score: f64) -> Value {
    json!({"index": index, "relevance_score": score, "document": {"text": "x"}})
}

#[test]
fn the_best_come_first_and_equals_in_the_order_of_the_request() {
    for wire in RERANK_WIRES {
        let order = decode(*wire, &CALL, &json!([result(2, 0.1), result(0, 0.9)])).unwrap();
        let ranks = [Rank { index: 0, score: 0.9 }, Rank { index: 2, score: 0.1 }];
        assert_eq!(order.ranks, ranks, "{}", wire.name());
        let counted = (order.usage.input_tokens, order.searches);
        let expected = if wire.name() == "cohere" { (None, Some(1)) } else { (Some(9), None) };
        assert_eq!(counted, expected, "{}", wire.name());
        let all = RerankCall { top: Some(9), ..CALL };
        let equal = json!([result(2, 0.5), result(0, 0.5), result(1, 0.5)]);
        let order = decode(*wire, &all, &equal).unwrap().ranks;
        assert_eq!(order.iter().map(|rank| rank.index).collect::<Vec<_>>(), [0, 1, 2]);
    }
}

#[test]
fn an_order_that_is_not_one_of_the_documents_that_were_sent_is_refused() {
    let wrong = [
        json!([]),
        json!([result(0, 0.5)]),
        json!([result(0, 0.5), result(1, 0.5), result(2, 0.5)]),
        json!([result(0, 0.5), result(0, 0.4)]),
        json!([result(0, 0.5), result(3, 0.4)]),
        json!([result(0, 0.5), result(-1, 0.4)]),
        json!([result(0, 0.5), {"index": 1, "relevance_score": null}]),
        json!([result(0, 0.5), {"relevance_score": 0.5}]),
        json!("none"),
    ];
    for wire in RERANK_WIRES {
        for results in &wrong {
            assert!(decode(*wire, &CALL, results).is_err(), "{}: {results}", wire.name());
        }
        for body in ["", "[]", "{}", "<html>"] {
            assert!(wire.decode(&CALL, body.as_bytes()).is_err(), "{}: {body}", wire.name());
        }
    }
}

#[test]
fn as_many_documents_as_the_limit_are_taken_and_no_more() {
    for wire in RERANK_WIRES {
        let encode = |count: usize, top| {
            let documents = vec!["x"; count];
            wire.encode(&RerankCall { query: "?", documents: &documents, top }, &target())
        };
        assert!(encode(wire.most_documents(), None).is_ok());
        assert!(encode(wire.most_documents() + 1, None).is_err());
        assert!(encode(0, None).is_err() && encode(1, Some(0)).is_err());
        let error = wire.fault(429, &[], b"{\"message\": \"slow\"}", &target());
        assert_eq!(error.code(), Code::RateLimit);
    }
}
