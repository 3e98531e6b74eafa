//! Every row of the provider table, recorded once and given again: conversations whole and streamed,
//! vectors and orders, without a provider, without a key, to the same deltas and the same cost.

use std::path::Path;
use std::sync::Arc;

use largestack_cassette::{Cassette, RecordMode};
use largestack_gateway::Gateway;
use largestack_http::{HttpTransport, Keys};
use largestack_ports::embedder::{EmbedRequest, Embedder as _, Purpose};
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::reranker::{RerankRequest, Reranker as _};
use largestack_ports::transport::Transport;
use largestack_ports::vault::Sensitive;
use largestack_testkit::{Answer, ChatReply, FoundReply, Upstream, budgeted, question};
use largestack_wire::{Provider, Registry};

use crate::matrix::{KEY, builder_over};
use crate::rig::{HastyClock, ask};

fn gateway(row: &Provider, url: &str, transport: Arc<dyn Transport>) -> Gateway {
    let made = (Arc::new(MemoryLedger::default()), HastyClock::default());
    builder_over(row, url, made, transport).build()
}

/// All that can be asked of a row, as text.
async fn asked(row: &Provider, gateway: &Gateway) -> String {
    let mut heard = Vec::new();
    let model: Arc<str> = format!("{}/m", row.name).into();
    if row.wire != "none" {
        for stream in [false, true] {
            let call = question(&model, "Größe?", stream);
            let said = ask(gateway, &budgeted(1), call).await;
            let deltas = said.deltas;
            let answer = said.answer();
            assert_eq!(answer.reply.text(), "Größe zählt: 東京 🦀", "{}", row.name);
            heard.push(format!("{deltas} {:?} {:?}", answer.reply.usage, answer.call.cost));
        }
    }
    let texts: Arc<[Arc<str>]> = ["a", "b"].map(Arc::from).into();
    if row.embed.is_some() {
        let (purpose, dimensions) = (Purpose::Query, None);
        let request =
            EmbedRequest { model: model.clone(), texts: texts.clone(), purpose, dimensions };
        let found = gateway.embed(&budgeted(1), request).await.unwrap();
        heard.push(format!("{:?} {:?}", found.vectors, found.call.cost));
    }
    if row.rerank.is_some() {
        let request =
            RerankRequest { model, query: "which?".into(), documents: texts, top: Some(1) };
        let found = gateway.rerank(&budgeted(1), request).await.unwrap();
        heard.push(format!("{:?} {:?}", found.ranks, found.call.cost));
    }
    heard.join("\n")
}

async fn recorded(row: &Provider, file: &Path) -> String {
    let upstream = Upstream::answering(move |request| {
        let path = request.path();
        let finds = ["embed", "rerank", "Embed"].iter().any(|word| path.contains(word));
        if finds {
            Answer::found(FoundReply::default())
        } else {
            ChatReply::text("Größe zählt: 東京 🦀").pieces(4).usage(12, 7).into()
        }
    });
    let upstream = upstream.await.unwrap();
    let cassette = Cassette::open(file, RecordMode::All).unwrap();
    let keys = Keys::default().with(&*row.name, Sensitive::new(KEY));
    let transport = cassette.over(Arc::new(HttpTransport::new(keys)));
    let heard = asked(row, &gateway(row, &upstream.url(), transport)).await;
    cassette.finish().unwrap();
    assert!(!std::fs::read_to_string(file).unwrap().contains(KEY), "{}", row.name);
    heard
}

#[tokio::test]
async fn every_row_is_recorded_once_and_given_again_without_a_provider_or_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builtin();
    let mut rows = 0;
    for row in registry.providers() {
        let file = folder.path().join(format!("{}.jsonl", row.name));
        let heard = recorded(row, &file).await;
        let cassette = Cassette::open(&file, RecordMode::None).unwrap();
        // There is nobody at this address, and no key.
        let transport = cassette.over(Arc::new(HttpTransport::new(Keys::default())));
        let again = asked(row, &gateway(row, "http://127.0.0.1:9/v1", transport)).await;
        assert_eq!(again, heard, "{}", row.name);
        cassette.finish().unwrap();
        rows += 1;
    }
    assert!(rows > 30, "{rows}");
}
