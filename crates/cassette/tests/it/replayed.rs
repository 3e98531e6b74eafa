//! What was recorded is given again as it came.

use bytes::Bytes;
use largestack_cassette::{Cassette, RecordMode};
use largestack_types::errors::{ProviderTimeoutError, Result};
use proptest::prelude::*;

use crate::stage::{Told, exchange, file, headers, record, replay, request};

#[tokio::test]
async fn a_stream_is_given_again_frame_by_frame_without_a_network() {
    let frames: &[&[u8]] =
        &[b"data: {\"a\":", b"1}\n\ndata", b": {\"b\":\"\xc3", b"\xa9\"}\n\n", b"data: [DONE]\n\n"];
    let (_folder, file) = file();
    record(&file, Told::saying("text/event-stream", frames), vec![request("{}")]).await;
    let (cassette, transport) = replay(&file);
    let response = transport.send(request("{}")).await.unwrap();
    assert_eq!(response.headers, headers(&[("content-type", "text/event-stream")]));
    let given: Vec<Bytes> = futures::StreamExt::collect::<Vec<Result<Bytes>>>(response.body)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(given, frames);
    cassette.finish().unwrap();
}

#[tokio::test]
async fn a_refusal_a_broken_connection_and_a_broken_stream_are_given_again() {
    let timeout =
        || ProviderTimeoutError { provider: "p".into(), phase: "first byte".into(), after_ms: 5 };
    let over = Told::new(move |request| match &*request.body {
        b"1" => Ok((429, headers(&[("retry-after", "7")]), vec![Ok("{\"no\": 1}".into())])),
        b"2" => Err(timeout().into()),
        _ => Ok((200, headers(&[]), vec![Ok("half".into()), Err(timeout().into())])),
    });
    let (_folder, file) = file();
    record(&file, over, vec![request("1"), request("2"), request("3")]).await;
    let (cassette, transport) = replay(&file);
    let refused = transport.send(request("1")).await.unwrap();
    assert_eq!((refused.status, refused.headers), (429, headers(&[("retry-after", "7")])));
    drop(refused.body);
    let error = exchange(&transport, request("2")).await.unwrap_err();
    assert_eq!(error, timeout().into());
    let (status, chunks, error) = exchange(&transport, request("3")).await.unwrap();
    assert_eq!((status, chunks), (200, vec!["half".to_owned()]));
    assert_eq!(error, Some(timeout().into()));
    cassette.finish().unwrap();
}

#[tokio::test]
async fn an_answer_that_nobody_read_to_its_end_says_so_when_more_is_wanted() {
    let (_folder, file) = file();
    let cassette = Cassette::open(&file, RecordMode::Once).unwrap();
    let transport = cassette.over(Told::saying("text/plain", &[b"one", b"two"]));
    let mut body = transport.send(request("{}")).await.unwrap().body;
    futures::StreamExt::next(&mut body).await.unwrap().unwrap();
    drop(body);
    cassette.finish().unwrap();
    let (cassette, transport) = replay(&file);
    let (_, chunks, error) = exchange(&transport, request("{}")).await.unwrap();
    assert_eq!(chunks, ["one"]);
    assert!(error.unwrap().to_string().contains("nobody wanted more"));
    cassette.finish().unwrap();
}

#[tokio::test]
async fn a_request_that_nobody_waited_for_is_recorded_as_one() {
    let (_folder, file) = file();
    let cassette = Cassette::open(&file, RecordMode::Once).unwrap();
    let transport = cassette.over(std::sync::Arc::new(Never));
    assert!(futures::future::poll_immediate(transport.send(request("{}"))).await.is_none());
    cassette.finish().unwrap();
    let (cassette, transport) = replay(&file);
    let error = exchange(&transport, request("{}")).await.unwrap_err().to_string();
    assert!(error.contains("nobody waited for an answer"), "{error}");
    cassette.finish().unwrap();
}

/// Answers nobody.
struct Never;

impl largestack_ports::transport::Transport for Never {
    fn send(
        &self,
        _: largestack_ports::transport::Request,
    ) -> largestack_ports::BoxFuture<'_, Result<largestack_ports::transport::Response>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn an_answer_that_is_still_read_when_the_cassette_is_finished_is_missed() {
    let (_folder, file) = file();
    let cassette = Cassette::open(&file, RecordMode::Once).unwrap();
    let transport = cassette.over(Told::saying("text/plain", &[b"one"]));
    let body = transport.send(request("{}")).await.unwrap().body;
    let error = cassette.finish().unwrap_err().to_string();
    assert!(error.contains("1 exchanges were still under way"), "{error}");
    drop(body);
}

#[tokio::test]
async fn modes_record_and_replay_as_their_names_say() {
    let (_folder, file) = file();
    let error = Cassette::open(&file, RecordMode::None).unwrap_err();
    assert!(error.to_string().contains("there is no recording"), "{error}");
    let over = Told::saying("text/plain", &[b"x"]);
    let ask = async |mode, bodies: &[&str]| {
        let cassette = Cassette::open(&file, mode).unwrap();
        let transport = cassette.over(over.clone());
        let mut failed = 0;
        for body in bodies {
            failed += usize::from(exchange(&transport, request(*body)).await.is_err());
        }
        (failed, cassette.finish().is_ok(), over.asked())
    };
    assert_eq!(ask(RecordMode::Once, &["1"]).await, (0, true, 1));
    assert_eq!(ask(RecordMode::Once, &["1"]).await, (0, true, 1), "it is there now");
    assert_eq!(ask(RecordMode::Once, &["1", "2"]).await, (1, false, 1), "and takes no more");
    assert_eq!(ask(RecordMode::NewEpisodes, &["2", "1"]).await, (0, true, 2));
    assert_eq!(ask(RecordMode::None, &["2", "1"]).await, (0, true, 2));
    assert_eq!(ask(RecordMode::All, &["3"]).await, (0, true, 3));
    assert_eq!(ask(RecordMode::None, &["3"]).await, (0, true, 3));
    assert_eq!(ask(RecordMode::None, &["2"]).await, (1, false, 3), "what was there is gone");
    assert_eq!(ask(RecordMode::All, &[]).await, (0, false, 3), "nothing was recorded");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_answer_without_secrets_is_given_again_byte_for_byte(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_folder, file) = file();
            let said = chunks.clone();
            let over = Told::new(move |_| {
                Ok((200, headers(&[]), said.iter().cloned().map(|c| Ok(Bytes::from(c))).collect()))
            });
            record(&file, over, vec![request("{}")]).await;
            let (cassette, transport) = replay(&file);
            let response = transport.send(request("{}")).await.unwrap();
            let given: Vec<Result<Bytes>> = futures::StreamExt::collect(response.body).await;
            let given: Vec<Vec<u8>> = given.into_iter().map(|c| c.unwrap().to_vec()).collect();
            cassette.finish().unwrap();
            assert_eq!(given, chunks);
        });
    }
}
