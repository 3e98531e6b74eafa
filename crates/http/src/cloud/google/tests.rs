use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use largestack_testkit::{Answer, Upstream};
use serde_json::{Value, json};

use super::*;
use crate::{HttpTransport, Keys};

const ANSWER: &str = r#"{"access_token": "ya29", "expires_in": 3600, "token_type": "Bearer"}"#;

async fn token(variable: &'static str, value: String) -> Result<Sensitive, String> {
    let source = Source::new(Arc::new(move |name: &str| {
        (name == variable).then(|| Sensitive::new(value.as_str()))
    }));
    let transport = HttpTransport::new(Keys::default());
    source.token(&transport, Timestamp::from_micros(0)).await
}

async fn of_file(content: &Value) -> Result<Sensitive, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.json");
    std::fs::write(&file, content.to_string()).unwrap();
    token("GOOGLE_APPLICATION_CREDENTIALS", file.display().to_string()).await
}

#[tokio::test]
async fn a_service_account_signs_its_claims() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, ANSWER));
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = STANDARD.encode(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let file = json!({"type": "service_account", "client_email": "a@b", "private_key": pem,
        "private_key_id": "k1", "token_uri": upstream.url()});
    assert_eq!(of_file(&file).await.unwrap().expose(), "ya29");

    let form = String::from_utf8(upstream.requests()[0].body.to_vec()).unwrap();
    let assertion = form.split("assertion=").nth(1).unwrap();
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(text.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["iss"], &claims["exp"]), (&json!("a@b"), &json!(3600)));
}

#[tokio::test]
async fn a_person_refreshes_a_token() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, ANSWER));
    let file = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s",
        "refresh_token": "r/1", "token_uri": upstream.url()});
    assert_eq!(of_file(&file).await.unwrap().expose(), "ya29");
    let form = String::from_utf8(upstream.requests()[0].body.to_vec()).unwrap();
    assert!(form.contains("refresh_token=r%2F1"), "{form}");
}

#[tokio::test]
async fn what_is_missing_or_not_supported_is_named() {
    let error = of_file(&json!({"type": "service_account"})).await.unwrap_err();
    assert!(error.contains("client_email"), "{error}");
    let error = of_file(&json!({"type": "external_account"})).await.unwrap_err();
    assert!(error.contains("external_account"), "{error}");
}

#[tokio::test]
async fn a_machine_asks_its_metadata_server() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, ANSWER));
    let host = upstream.url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    assert_eq!(token("GCE_METADATA_HOST", host).await.unwrap().expose(), "ya29");
    assert_eq!(upstream.requests()[0].header("metadata-flavor").as_deref(), Some("Google"));
}
