//! Where requests are blocked nothing leaves the process.

use std::sync::Arc;

use futures::StreamExt as _;
use largestack_gateway::block_model_requests;
use largestack_ports::embedder::{EmbedRequest, Embedder as _, Purpose};
use largestack_ports::model::Model as _;
use largestack_ports::reranker::{RerankRequest, Reranker as _};
use largestack_testkit::{ChatReply, TestModel, Turn, context, question};
use largestack_types::errors::{Code, Coded};

use crate::rig::{HastyClock, ask, rig};

#[tokio::test]
async fn a_blocked_task_reaches_no_provider_but_its_own_models() {
    let rig = rig(HastyClock::default()).await;
    rig.gateway.register("test", Arc::new(TestModel::new([Turn::text("from here")])));
    let context = context(1);
    let there = || ask(&rig.gateway, &context, question("mock/priced", "hi", false));
    let error = block_model_requests(there()).await.error();
    assert_eq!(error.code(), Code::ModelBlocked);
    assert!(error.message().contains("mock/priced"), "{error}");
    let here = ask(&rig.gateway, &context, question("test/any", "hi", false));
    assert_eq!(block_model_requests(here).await.answer().reply.text(), "from here");
    assert_eq!(rig.upstream.counts().connections, 0);
    rig.upstream.push(ChatReply::text("open again"));
    assert_eq!(there().await.answer().reply.text(), "open again");
}

#[tokio::test]
async fn a_call_is_blocked_by_where_it_began_and_by_where_it_is_polled() {
    let rig = rig(HastyClock::default()).await;
    let context = context(1);
    let call = question("mock/priced", "hi", false);
    let mut carried_out =
        block_model_requests(rig.gateway.call(&context, call.clone())).await.unwrap();
    let outside = carried_out.next().await.unwrap();
    assert_eq!(outside.unwrap_err().code(), Code::ModelBlocked);
    let mut carried_in = rig.gateway.call(&context, call).await.unwrap();
    let inside = block_model_requests(carried_in.next()).await.unwrap();
    assert_eq!(inside.unwrap_err().code(), Code::ModelBlocked);
    assert_eq!(rig.upstream.counts().connections, 0);
}

#[tokio::test]
async fn vectors_and_orders_are_blocked_like_conversations() {
    let rig = rig(HastyClock::default()).await;
    let texts: Arc<[Arc<str>]> = ["a", "b"].map(Arc::from).into();
    let embed = EmbedRequest {
        model: "find/embedder".into(),
        texts: texts.clone(),
        purpose: Purpose::Query,
        dimensions: None,
    };
    let context = context(1);
    let refused = block_model_requests(rig.gateway.embed(&context, embed)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ModelBlocked);
    let rerank = RerankRequest {
        model: "find/reranker".into(),
        query: "which?".into(),
        documents: texts,
        top: None,
    };
    let refused = block_model_requests(rig.gateway.rerank(&context, rerank)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ModelBlocked);
    assert_eq!(rig.upstream.counts().connections, 0);
}
