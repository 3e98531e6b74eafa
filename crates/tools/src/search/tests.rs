use std::sync::Mutex;

use http::HeaderMap;
use largestack_ports::BoxFuture;
use largestack_ports::egress::{EgressError, Errand, Fetched};
use largestack_ports::tool::Tool as _;
use largestack_types::json::Json;

use super::*;
use crate::testing::tool_context;

struct Scripted(Mutex<Vec<Errand>>, &'static str);

impl Egress for Scripted {
    fn run(&self, errand: Errand) -> BoxFuture<'_, Result<Fetched, EgressError>> {
        self.0.lock().unwrap().push(errand);
        let fetched = Fetched {
            status: 200,
            url: String::new(),
            headers: HeaderMap::new(),
            content_type: "application/json".into(),
            body: Bytes::from_static(self.1.as_bytes()),
            cut: false,
        };
        Box::pin(std::future::ready(Ok(fetched)))
    }
}

async fn ask(engine: &str, answer: &'static str) -> (Errand, String) {
    let scripted = Arc::new(Scripted(Mutex::default(), answer));
    let search = Search {
        egress: scripted.clone(),
        engine: &engines()[engine],
        base_url: Some("https://search.example/".into()),
        key: Some(Sensitive::new("s3cr3t")),
        reach: Arc::default(),
    };
    let arguments = Json::parse(r#"{"query":"rust & more","count":2}"#).unwrap();
    let output = tool(search).call(tool_context(), arguments).await.unwrap();
    let errand = scripted.0.lock().unwrap()[0].clone();
    (errand, output.text)
}

const FOUND: &str = r#"{"results":[{"title":"T","url":"https://a.example/","text":"words"}]}"#;

#[tokio::test]
async fn each_engine_is_asked_in_its_own_words_and_answers_in_ours() {
    let (errand, found) = ask(
        "tavily",
        r#"{"results":[{"title":"T","url":"https://a.example/","content":"words"}]}"#,
    )
    .await;
    assert_eq!((&*errand.method, &*errand.url), ("POST", "https://api.tavily.com/search"));
    assert_eq!(errand.body.unwrap(), r#"{"query":"rust & more","max_results":2}"#);
    assert_eq!(errand.credentials[0].1.expose(), "Bearer s3cr3t");
    assert_eq!(found, FOUND);

    let (errand, found) = ask(
        "brave",
        r#"{"web":{"results":[{"title":"T","url":"https://a.example/","description":"words"}]}}"#,
    )
    .await;
    assert_eq!(
        &*errand.url,
        "https://api.search.brave.com/res/v1/web/search?q=rust%20%26%20more&count=2"
    );
    assert_eq!(
        (&*errand.credentials[0].0, errand.credentials[0].1.expose()),
        ("x-subscription-token", "s3cr3t")
    );
    assert_eq!(found, FOUND);

    let (errand, found) = ask(
        "searxng",
        r#"{"results":[{"title":"T","url":"https://a.example/","content":"words"}]}"#,
    )
    .await;
    assert_eq!(&*errand.url, "https://search.example/search?q=rust%20%26%20more&format=json");
    assert!(errand.credentials.is_empty());
    assert_eq!(found, FOUND);

    let (errand, found) = ask(
        "duckduckgo",
        r#"{"RelatedTopics":[{"Name":"group","Topics":[]},{"Text":"words","FirstURL":"https://a.example/"}]}"#,
    )
    .await;
    assert!(
        errand.url.starts_with("https://api.duckduckgo.com?q=rust%20%26%20more&"),
        "{}",
        errand.url
    );
    assert!(found.contains(r#""url":"https://a.example/""#), "{found}");
}

#[tokio::test]
async fn results_are_as_many_as_were_asked_for_and_a_missing_list_is_none() {
    let many = r#"{"results":[{"url":"1"},{"url":"2"},{"url":"3"}]}"#;
    let (_, found) = ask("searxng", many).await;
    assert!(found.contains("\"2\"") && !found.contains("\"3\""), "{found}");
    assert_eq!(ask("brave", "{}").await.1, r#"{"results":[]}"#);
}

#[tokio::test]
async fn an_engine_without_its_key_says_which_variable_to_set_and_asks_nobody() {
    let scripted = Arc::new(Scripted(Mutex::default(), "{}"));
    let search = Search {
        egress: scripted.clone(),
        engine: &engines()["tavily"],
        base_url: None,
        key: None,
        reach: Arc::default(),
    };
    let arguments = Json::parse(r#"{"query":"x"}"#).unwrap();
    let failed = tool(search).call(tool_context(), arguments).await.unwrap_err();
    assert!(failed.message.contains("TAVILY_API_KEY"), "{failed}");
    assert!(scripted.0.lock().unwrap().is_empty());
}
