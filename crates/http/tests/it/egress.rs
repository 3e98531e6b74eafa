//! The way out for tools: what it refuses, however it is asked, and what it brings back.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use largestack_http::{HttpEgress, Network, Resolve};
use largestack_ports::BoxFuture;
use largestack_ports::egress::{Egress as _, EgressError, Errand, Fetched, Reach};
use largestack_ports::vault::Sensitive;
use largestack_testkit::{Answer, Upstream};
use largestack_types::errors::{Code, Coded as _};

/// A resolver that answers as it is told, in order, and counts.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

/// What is answered, and what was asked.
type Script = (VecDeque<Vec<IpAddr>>, Vec<String>);

impl Scripted {
    fn of(answers: &[&[&str]]) -> Self {
        let parsed = answers.iter().map(|all| all.iter().map(|a| a.parse().unwrap()).collect());
        Self(Arc::new(Mutex::new((parsed.collect(), Vec::new()))))
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut script = self.0.lock().unwrap();
        script.1.push(host.to_owned());
        let answer = script.0.pop_front().ok_or(io::ErrorKind::NotFound.into());
        Box::pin(std::future::ready(answer))
    }
}

/// The loopback may be reached, because somebody said so.
fn local(upstream: &Upstream) -> Reach {
    Reach {
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        ports: vec![80, 443, upstream.address().port()],
        ..Reach::default()
    }
}

fn errand(url: &str, reach: Reach) -> Errand {
    Errand {
        method: "GET".into(),
        url: url.into(),
        headers: vec![("accept".into(), "text/*".into())],
        credentials: vec![("x-api-key".into(), Sensitive::new("s3cr3t"))],
        body: None,
        reach: Arc::new(reach),
        accepts: &["text/", "application/json"],
        most: 1_000,
        total: Duration::from_secs(30),
    }
}

async fn run(resolver: Scripted, errand: Errand) -> Result<Fetched, EgressError> {
    HttpEgress::resolving(Network::default(), resolver).run(errand).await
}

fn why(error: EgressError) -> String {
    match error {
        EgressError::Forbidden { why, .. } => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_reached() {
    for url in [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/latest/meta-data/",
        "http://169.254.169.254/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
        "http://192.168.0.1/",
        "http://100.100.100.200/",
        "http://0/",
        "http://168.63.129.16/",
    ] {
        let resolver = Scripted::of(&[&["127.0.0.1"]]);
        let error = run(resolver, errand(url, Reach::default())).await.unwrap_err();
        assert_eq!(error.code(), Code::Egress, "{url}: {error}");
        assert!(error.nothing_was_sent());
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_connection_goes_to_what_was_looked_at() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::html(200, "<p>hello"));
    // Whoever looks a second time is told something else.
    let resolver = Scripted::of(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let url = format!("http://rebinding.example:{}/page?q=1#part", upstream.address().port());
    let fetched = run(resolver.clone(), errand(&url, local(&upstream))).await.unwrap();
    assert_eq!((fetched.status, &*fetched.body, fetched.cut), (200, &b"<p>hello"[..], false));
    assert_eq!(fetched.content_type, "text/html");
    assert_eq!(resolver.asked(), ["rebinding.example"]);
    let asked = &upstream.requests()[0];
    assert_eq!((asked.method().as_str(), asked.path().as_str()), ("GET", "/page?q=1"));
    let host = format!("rebinding.example:{}", upstream.address().port());
    assert_eq!(asked.header("host"), Some(host));
    assert_eq!(asked.header("x-api-key").as_deref(), Some("s3cr3t"));
}

#[tokio::test]
async fn one_inner_address_among_others_is_enough_to_refuse_a_host() {
    let resolver = Scripted::of(&[&["93.184.216.34", "169.254.169.254"]]);
    let error = run(resolver, errand("http://mixed.example/", Reach::default())).await.unwrap_err();
    assert!(why(error).contains("metadata"));
}

#[tokio::test]
async fn every_redirect_is_looked_at_as_if_it_were_the_first_address() {
    let upstream = Upstream::start().await.unwrap();
    let port = upstream.address().port();
    for (location, expected) in [
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://[::ffff:169.254.169.254]/", "metadata"),
        ("//0xa9fea9fe/", "metadata"),
        ("http://inner.example/", "private"),
        ("http://inner.example:22/", "port 22"),
    ] {
        upstream.push(Answer::html(302, "").header("location", location));
        let resolver = Scripted::of(&[&["127.0.0.1"], &["10.0.0.1"]]);
        let url = format!("http://outer.example:{port}/");
        let error = run(resolver, errand(&url, local(&upstream))).await.unwrap_err();
        assert!(why(error).contains(expected), "{location}");
    }
    assert_eq!(upstream.counts().requests, 5);
}

#[tokio::test]
async fn redirects_are_counted_and_credentials_stay_with_the_first_host() {
    let upstream = Upstream::start().await.unwrap();
    let port = upstream.address().port();
    let addresses: [&[&str]; 8] = [&["127.0.0.1"]; 8];
    let hop = |to: &str| Answer::html(302, "").header("location", to.to_owned());
    upstream.push(hop("/second"));
    upstream.push(hop(&format!("http://other.example:{port}/third")));
    upstream.push(Answer::html(200, "there"));
    let url = format!("http://first.example:{port}/");
    let fetched = run(Scripted::of(&addresses), errand(&url, local(&upstream))).await.unwrap();
    assert_eq!(fetched.url, format!("http://other.example:{port}/third"));
    let keys: Vec<_> = upstream.requests().iter().map(|r| r.header("x-api-key")).collect();
    assert_eq!(keys, [Some("s3cr3t".to_owned()), Some("s3cr3t".to_owned()), None]);
    let reach = Reach { redirects: 2, ..local(&upstream) };
    for hops in [2, 3] {
        for _ in 0..hops {
            upstream.push(hop("/again"));
        }
        upstream.push(Answer::html(200, "there"));
        let ran = run(Scripted::of(&addresses), errand(&url, reach.clone())).await;
        assert_eq!(ran.is_ok(), hops == 2, "{ran:?}");
    }
}

#[tokio::test]
async fn what_is_posted_becomes_a_question_or_stays_with_its_host() {
    let upstream = Upstream::start().await.unwrap();
    let number = upstream.address().port();
    let post = |to: &str| Errand {
        method: "POST".into(),
        body: Some(Bytes::from_static(b"words")),
        ..errand(&format!("http://first.example:{number}{to}"), local(&upstream))
    };
    let addresses: [&[&str]; 3] = [&["127.0.0.1"]; 3];
    upstream.push(Answer::html(303, "").header("location", "/see"));
    upstream.push(Answer::html(200, "seen"));
    run(Scripted::of(&addresses), post("/a")).await.unwrap();
    upstream.push(Answer::html(307, "").header("location", "/kept"));
    upstream.push(Answer::html(200, "kept"));
    run(Scripted::of(&addresses), post("/b")).await.unwrap();
    let seen: Vec<_> =
        upstream.requests().iter().map(|r| (r.method(), r.body.len())).skip(1).collect();
    let word = |method: &str, length| (method.to_owned(), length);
    assert_eq!(seen, [word("GET", 0), word("POST", 5), word("POST", 5)]);
    upstream
        .push(Answer::html(307, "").header("location", format!("http://other.example:{number}/")));
    let error = run(Scripted::of(&addresses), post("/c")).await.unwrap_err();
    assert!(why(error).contains("another host"));
}

#[tokio::test]
async fn answers_are_read_up_to_a_limit_and_only_of_the_kinds_that_were_asked_for() {
    let upstream = Upstream::start().await.unwrap();
    let url = format!("http://a.example:{}/", upstream.address().port());
    let address: &[&[&str]] = &[&["127.0.0.1"]];
    for (length, cut) in [(1_000, false), (1_001, true)] {
        for answer in
            [Answer::html(200, "x".repeat(length)), Answer::html(200, "x".repeat(length)).gzip()]
        {
            upstream.push(answer);
            let ran = run(Scripted::of(address), errand(&url, local(&upstream))).await.unwrap();
            assert_eq!((ran.body.len(), ran.cut), (1_000, cut));
        }
    }
    upstream.push(Answer::html(200, "x").content_type(Some("image/png")));
    let error = run(Scripted::of(address), errand(&url, local(&upstream))).await.unwrap_err();
    assert!(error.to_string().contains("image/png"), "{error}");
}

#[tokio::test]
async fn headers_that_belong_to_the_exchange_or_fool_a_metadata_service_cannot_be_set() {
    for name in ["Host", "Transfer-Encoding", "content-length", "Metadata-Flavor", "a b", ""] {
        let mut errand = errand("http://a.example/", Reach::default());
        errand.headers.push((name.into(), "x".into()));
        let error = run(Scripted::of(&[&["93.184.216.34"]]), errand).await.unwrap_err();
        assert!(matches!(error, EgressError::Address(_)), "{name}: {error}");
    }
}

#[tokio::test]
async fn who_does_not_answer_is_given_up_and_who_is_not_there_was_sent_nothing() {
    let upstream = Upstream::start().await.unwrap();
    let url = format!("http://a.example:{}/", upstream.address().port());
    upstream.push(Answer::html(200, "x").stall_before_head());
    let short = Errand { total: Duration::from_millis(300), ..errand(&url, local(&upstream)) };
    let error = run(Scripted::of(&[&["127.0.0.1"]]), short).await.unwrap_err();
    assert!(matches!(error, EgressError::Late { .. }) && !error.nothing_was_sent(), "{error}");
    upstream.until(|counts| counts.hang_ups == 1).await;
    let error = run(Scripted::default(), errand(&url, local(&upstream))).await.unwrap_err();
    assert!(error.nothing_was_sent() && error.retryable(), "{error}");
}
