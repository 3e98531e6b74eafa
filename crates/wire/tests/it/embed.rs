//! Embeddings: what goes out for each row that has them, and which vectors are believed.

use largestack_types::error::{Code, Coded};
use largestack_wire::embed::{EMBED_WIRES, EmbedCall, EmbedWire, Embedded, Purpose, embed_wire};
use largestack_wire::{DecodeError, EncodeError, Param, Registry, Section, Target};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The built-in rows with every open word said.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    let rows: Vec<_> = registry.providers().cloned().collect();
    for row in rows {
        let said = |name: &String| {
            (name.clone(), Param { value: Some(format!("my-{name}")), ..Param::default() })
        };
        let params = Some(row.params.keys().map(said).collect());
        let base_url = row.base_url.clone().or_else(|| Some("http://localhost:8080/v1".into()));
        registry.define(row.name.clone(), Section { params, base_url, ..Section::default() });
    }
    registry
}

fn target() -> Target {
    registry().resolve("openai/m").unwrap()
}

const TEXTS: EmbedCall<'static> =
    EmbedCall { texts: &["a \"quoted\"", "b"], purpose: Purpose::Query, dimensions: Some(2) };

#[test]
fn each_row_that_embeds_sends_this_request() {
    let registry = registry();
    let mut sent = Vec::new();
    for row in registry.providers().filter(|row| row.embed.is_some()) {
        let target = registry.resolve(&format!("{}/some-model", row.name)).unwrap();
        let request = target.embed_wire().unwrap().encode(&TEXTS, &target).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        sent.push(json!({ "row": &*row.name, "to": &*request.url, "body": body }));
    }
    insta::assert_json_snapshot!("embed_requests", sent);
}

#[test]
fn a_row_without_embeddings_says_so() {
    let error = registry().resolve("deepseek/m").unwrap().embed_wire().unwrap_err();
    assert!(matches!(error, EncodeError::Unsupported { .. }), "{error}");
    let mut mine = registry();
    let embed = Some("telegraph".to_owned());
    mine.define("mine", Section { embed, ..Section::default() });
    let error = mine.resolve("mine/m").unwrap().embed_wire().unwrap_err();
    assert!(error.to_string().contains("telegraph"), "{error}");
    // Who only embeds does not converse.
    assert!(registry().resolve("voyage/m").unwrap().wire().is_err());
}

#[test]
fn as_many_texts_as_the_limit_are_taken_and_no_more_none_and_no_empty_one() {
    for wire in EMBED_WIRES {
        let encode = |texts: &[&str]| {
            wire.encode(
                &EmbedCall { texts, purpose: Purpose::Document, dimensions: None },
                &target(),
            )
        };
        let most = vec!["x"; wire.most_texts()];
        assert!(encode(&most).is_ok(), "{}", wire.name());
        assert!(encode(&vec!["x"; wire.most_texts() + 1]).is_err(), "{}", wire.name());
        assert!(encode(&[]).is_err() && encode(&["x", ""]).is_err(), "{}", wire.name());
    }
}

/// A reply with these vectors in the words of a wire.
fn reply(wire: &dyn EmbedWire, vectors: &[Value]) -> Value {
    let numbered = || {
        let items = vectors.iter().enumerate().rev();
        items.map(|(index, v)| json!({"object": "embedding", "index": index, "embedding": v}))
    };
    match wire.name() {
        "cohere" => json!({"id": "e", "embeddings": {"float": vectors},
            "meta": {"billed_units": {"input_tokens": 7}}}),
        "gemini" => {
            let list: Vec<Value> = vectors.iter().map(|v| json!({"values": v})).collect();
            json!({"embeddings": list, "usageMetadata": {"promptTokenCount": 7}})
        }
        "ollama" => json!({"model": "m", "embeddings": vectors, "prompt_eval_count": 7}),
        // In the wrong order: the numbers decide.
        _ => json!({"object": "list", "model": "m", "data": numbered().collect::<Vec<_>>(),
            "usage": {"prompt_tokens": 7, "total_tokens": 7}}),
    }
}

fn decode(wire: &dyn EmbedWire, vectors: &[Value]) -> Result<Embedded, DecodeError> {
    wire.decode(&TEXTS, reply(wire, vectors).to_string().as_bytes())
}

#[test]
fn vectors_come_in_the_order_of_the_texts() {
    for wire in EMBED_WIRES {
        let embedded = decode(*wire, &[json!([0.5, -1]), json!([2, 1e-3])]).unwrap();
        assert_eq!(embedded.vectors, [[0.5, -1.0], [2.0, 0.001]], "{}", wire.name());
        assert_eq!(embedded.usage.input_tokens, Some(7), "{}", wire.name());
        assert!(embedded.raw_usage.is_some(), "{}", wire.name());
    }
    let packed = [json!("AACAPwAAAMA="), json!("AAAAAAAAgD8=")];
    for name in ["openai", "voyage", "jina", "nvidia"] {
        let embedded = decode(embed_wire(name).unwrap(), &packed).unwrap();
        assert_eq!(embedded.vectors, [[1.0, -2.0], [0.0, 1.0]], "{name}");
    }
}

#[test]
fn what_is_not_one_finite_vector_of_the_right_length_for_each_text_is_refused() {
    let (one, two) = (json!([1, 2]), json!([3, 4]));
    let wrong: [&[Value]; 10] = [
        &[],
        std::slice::from_ref(&one),
        &[one.clone(), two.clone(), json!([5, 6])],
        &[one.clone(), json!([])],
        &[one.clone(), json!([1])],
        &[json!([1, 2, 3]), json!([1, 2, 3])],
        &[one.clone(), json!([1, null])],
        &[one.clone(), json!([1, 1e39])],
        &[one.clone(), Value::Null],
        // A float that is no number, in base64.
        &[json!("AACAPwAAwH8="), json!("AACAPwAAgD8=")],
    ];
    for wire in EMBED_WIRES {
        for vectors in wrong {
            let result = decode(*wire, vectors);
            assert!(result.is_err(), "{}: {vectors:?} gave {result:?}", wire.name());
        }
        for body in ["", "[]", "{}", "<html>", r#"{"error": "x"}"#] {
            assert!(wire.decode(&TEXTS, body.as_bytes()).is_err(), "{}: {body}", wire.name());
        }
    }
    let item = |index: u32| json!({"index": index, "embedding": [1, 2]});
    for numbers in [[0, 0], [0, 2]] {
        let body = json!({"data": numbers.map(item)}).to_string();
        let result = embed_wire("openai").unwrap().decode(&TEXTS, body.as_bytes());
        assert!(result.is_err(), "{numbers:?}");
    }
}

#[test]
fn refused_requests_become_the_right_errors() {
    for wire in EMBED_WIRES {
        for (status, body, code) in [
            (401, json!({"error": {"message": "no key"}, "message": "no key"}), Code::ProviderAuth),
            (429, json!({"detail": "slow down", "message": "slow down"}), Code::RateLimit),
            (503, json!({"error": "later", "message": "later"}), Code::Provider),
        ] {
            let error = wire.fault(status, &[], body.to_string().as_bytes(), &target());
            assert_eq!(error.code(), code, "{} {status}", wire.name());
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_fall(bytes in prop::collection::vec(any::<u8>(), 0..64), text in any::<String>()) {
        for wire in EMBED_WIRES {
            let _ = wire.decode(&TEXTS, &bytes);
            let body = json!({"data": text, "embeddings": text}).to_string();
            prop_assert!(wire.decode(&TEXTS, body.as_bytes()).is_err());
        }
    }

    #[test]
    fn floats_survive_base64(numbers in prop::collection::vec(any::<[f32; 2]>(), 2)) {
        use base64::Engine as _;
        let packed: Vec<Value> = numbers.iter().map(|pair| {
            let bytes: Vec<u8> = pair.iter().flat_map(|n| n.to_le_bytes()).collect();
            json!(base64::engine::general_purpose::STANDARD.encode(bytes))
        }).collect();
        let result = decode(embed_wire("openai").unwrap(), &packed);
        if numbers.iter().flatten().all(|number| number.is_finite()) {
            let expected: Vec<Vec<f32>> = numbers.iter().map(|pair| pair.to_vec()).collect();
            prop_assert_eq!(result.unwrap().vectors, expected);
        } else {
            prop_assert!(result.is_err());
        }
    }
}
