//! Any bytes as vectors of texts or as an order of documents. The first three bytes choose.

#![no_main]

use largestack_wire::embed::{EMBED_WIRES, EmbedCall, Purpose};
use largestack_wire::rerank::{RERANK_WIRES, RerankCall};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[wire, what, count], body)) = data.split_first_chunk::<3>() else { return };
    let texts = vec!["text"; usize::from(count) % 32 + 1];
    if what % 2 == 0 {
        let Some(wire) = EMBED_WIRES.get(usize::from(wire) % EMBED_WIRES.len()) else { return };
        let call = EmbedCall { texts: &texts, purpose: Purpose::Query, dimensions: None };
        if let Ok(found) = wire.decode(&call, body) {
            assert_eq!(found.vectors.len(), texts.len());
            assert!(found.vectors.iter().flatten().all(|number| number.is_finite()));
        }
    } else {
        let Some(wire) = RERANK_WIRES.get(usize::from(wire) % RERANK_WIRES.len()) else { return };
        let call = RerankCall { query: "?", documents: &texts, top: None };
        if let Ok(found) = wire.decode(&call, body) {
            assert_eq!(found.ranks.len(), texts.len());
        }
    }
});
