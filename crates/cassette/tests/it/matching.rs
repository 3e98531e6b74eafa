//! Which recorded exchange a request is given, and what happens when there is none.

use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::RunId;

use crate::stage::{Told, exchange, file, headers, record, replay, request};

#[tokio::test]
async fn the_order_of_properties_and_the_host_do_not_matter() {
    let (_folder, file) = file();
    let over = Told::saying("text/plain", &[b"x"]);
    record(
        &file,
        over,
        vec![request(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#)],
    )
    .await;
    let (cassette, transport) = replay(&file);
    let mut asked = request(r#"{ "messages": [{"content":"hi","role":"user"}], "model": "m" }"#);
    asked.url = "http://127.0.0.1:9/v1/chat/completions".into();
    assert!(exchange(&transport, asked).await.is_ok());
    cassette.finish().unwrap();
}

#[tokio::test]
async fn another_request_fails_and_is_told_in_what_it_differs() {
    let (_folder, file) = file();
    let over = Told::saying("text/plain", &[b"x"]);
    let bodies = [r#"{"model":"a","n":1,"t":[1,2]}"#, r#"{"model":"b","n":2,"t":[1]}"#];
    record(&file, over, bodies.map(request).to_vec()).await;
    let (cassette, transport) = replay(&file);
    let error = exchange(&transport, request(r#"{"model":"b","n":3,"t":[1]}"#)).await.unwrap_err();
    assert_eq!(error.code(), Code::ModelBlocked);
    let said = error.to_string();
    assert!(said.contains("recorded exchange 2 in body.n: recorded 2, asked 3"), "{said}");
    assert!(!error.retryable());
    // It stays a failure, whatever was made of the error.
    for body in bodies {
        exchange(&transport, request(body)).await.unwrap();
    }
    let error = cassette.finish().unwrap_err().to_string();
    assert!(error.contains("asked for what is not recorded"), "{error}");
}

#[tokio::test]
async fn provider_method_path_and_body_must_all_be_as_recorded() {
    let (_folder, file) = file();
    record(&file, Told::saying("text/plain", &[b"x"]), vec![request("{}")]).await;
    let other = |change: &dyn Fn(&mut largestack_ports::transport::Request)| {
        let mut asked = request("{}");
        change(&mut asked);
        asked
    };
    let others = [
        ("provider: recorded openai, asked groq", other(&|asked| asked.provider = "groq".into())),
        (
            "method: recorded POST, asked GET",
            other(&|asked| asked.method = largestack_ports::transport::Method::Get),
        ),
        (
            "path: recorded /v1/chat/completions, asked /v1/x",
            other(&|asked| asked.url = "http://h/v1/x".into()),
        ),
        ("body: recorded {}, asked []", other(&|asked| asked.body = "[]".into())),
    ];
    for (difference, asked) in others {
        let (cassette, transport) = replay(&file);
        let error = exchange(&transport, asked).await.unwrap_err().to_string();
        assert!(error.contains(difference), "{error}");
        assert!(cassette.finish().is_err());
    }
}

#[tokio::test]
async fn a_recorded_exchange_that_nobody_asks_for_fails() {
    let (_folder, file) = file();
    let over = Told::saying("text/plain", &[b"x"]);
    record(&file, over, vec![request("1"), request("2")]).await;
    let (cassette, transport) = replay(&file);
    exchange(&transport, request("1")).await.unwrap();
    let error = cassette.finish().unwrap_err().to_string();
    assert!(error.contains("1 of 2 recorded exchanges were not asked for: 2. POST"), "{error}");
    // So does one that is forgotten.
    let forgotten = std::panic::catch_unwind(|| drop(replay(&file)));
    let said = forgotten.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("2 of 2 recorded exchanges"), "{said}");
}

#[tokio::test]
async fn the_same_request_is_given_each_of_its_recordings_once_in_their_order() {
    let (_folder, file) = file();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let over = Told::new(move |_| {
        let said = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        Ok((200, headers(&[]), vec![Ok(said.into())]))
    });
    record(&file, over, vec![request("{}"), request("{}")]).await;
    let (cassette, transport) = replay(&file);
    for expected in ["0", "1"] {
        assert_eq!(exchange(&transport, request("{}")).await.unwrap().1, [expected]);
    }
    let error = exchange(&transport, request("{}")).await.unwrap_err().to_string();
    assert!(error.contains("every recording of this request has been given already"), "{error}");
    cassette.finish().unwrap_err();
}

#[tokio::test]
async fn calls_at_the_same_time_are_each_given_their_own() {
    let (_folder, file) = file();
    let over = Told::new(|asked| Ok((200, headers(&[]), vec![Ok(asked.body.clone())])));
    let cassette =
        largestack_cassette::Cassette::open(&file, largestack_cassette::RecordMode::default())
            .unwrap();
    let transport = cassette.over(over);
    let all = (0..40).map(|n| exchange(&transport, request(format!("[{n}]"))));
    futures::future::join_all(all).await;
    cassette.finish().unwrap();
    let (cassette, transport) = replay(&file);
    let all = (0..40).rev().map(|n| exchange(&transport, request(format!("[{n}]"))));
    let said = futures::future::join_all(all).await;
    for (answer, n) in said.into_iter().zip((0..40).rev()) {
        assert_eq!(answer.unwrap().1, [format!("[{n}]")]);
    }
    cassette.finish().unwrap();
}

#[tokio::test]
async fn ids_that_differ_from_run_to_run_do_not_and_come_back_as_those_of_now() {
    let (_folder, file) = file();
    let over = Told::new(|asked| Ok((200, headers(&[]), vec![Ok(asked.body.clone())])));
    let body = |run: u128, nonce: &str| {
        format!(r#"{{"run":"{}","text":"pay with <CARD_1:{nonce}>"}}"#, RunId::from_u128(run))
    };
    let text = record(&file, over, vec![request(body(1, "k7q"))]).await;
    assert!(text.contains("{{run_1}}") && text.contains("{{CARD_1}}"), "{text}");
    assert!(!text.contains("k7q") && !text.contains(&RunId::from_u128(1).to_string()), "{text}");
    let (cassette, transport) = replay(&file);
    let (_, said, _) = exchange(&transport, request(body(2, "zz9"))).await.unwrap();
    assert_eq!(said.concat(), body(2, "zz9"));
    cassette.finish().unwrap();
}
