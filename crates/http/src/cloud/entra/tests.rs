use std::collections::HashMap;
use std::sync::Arc;

use largestack_testkit::{Answer, Upstream};

use super::*;
use crate::{HttpTransport, Keys};

async fn token(variables: &[(&str, &str)]) -> Result<Sensitive, String> {
    let held: HashMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let source =
        Source::new(Arc::new(move |name: &str| held.get(name).cloned().map(Sensitive::new)));
    let transport = HttpTransport::new(Keys::default());
    source.token(&transport, Timestamp::from_micros(0)).await
}

#[tokio::test]
async fn an_application_shows_its_secret_and_a_workload_its_token() {
    let upstream = Upstream::start().await.unwrap();
    let url = upstream.url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "federated\n").unwrap();
    let file = file.display().to_string();
    for (variable, value, sent) in [
        ("AZURE_CLIENT_SECRET", "s&s", "client_secret=s%26s"),
        ("AZURE_FEDERATED_TOKEN_FILE", &*file, "client_assertion=federated"),
    ] {
        upstream.push(Answer::json(200, r#"{"access_token": "eyJ", "expires_in": "3599"}"#));
        let set = [
            ("AZURE_TENANT_ID", "t1"),
            ("AZURE_CLIENT_ID", "c1"),
            ("AZURE_AUTHORITY_HOST", &*url),
            (variable, value),
        ];
        assert_eq!(token(&set).await.unwrap().expose(), "eyJ");
        let request = upstream.requests().pop().unwrap();
        assert!(request.path().ends_with("/t1/oauth2/v2.0/token"), "{}", request.path());
        let form = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(form.contains(sent) && form.contains("cognitiveservices"), "{form}");
    }
}

#[tokio::test]
async fn a_managed_identity_asks_its_endpoint() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, r#"{"access_token": "eyJ", "expires_in": "3599"}"#));
    let url = upstream.url();
    let set = [("IDENTITY_ENDPOINT", &*url), ("IDENTITY_HEADER", "h1")];
    assert_eq!(token(&set).await.unwrap().expose(), "eyJ");
    assert_eq!(upstream.requests()[0].header("x-identity-header").as_deref(), Some("h1"));
}
