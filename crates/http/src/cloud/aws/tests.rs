use std::collections::HashMap;
use std::sync::Arc;

use largestack_testkit::{Answer, Upstream};

use super::*;
use crate::{HttpTransport, Keys};

fn chain(variables: &[(&str, &str)]) -> Chain {
    let held: HashMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Chain::new(Arc::new(move |name: &str| held.get(name).cloned().map(Sensitive::new)))
}

async fn keys(variables: &[(&str, &str)]) -> Result<AwsKeys, String> {
    let transport = HttpTransport::new(Keys::default());
    chain(variables).keys(&transport, Timestamp::from_micros(0), "eu-west-1").await
}

const WRITTEN: &str = r#"{"AccessKeyId": "ASIA1", "SecretAccessKey": "s", "Token": "t",
    "Expiration": "2099-01-01T00:00:00Z"}"#;

#[tokio::test]
async fn variables_come_first() {
    let set = [
        ("AWS_ACCESS_KEY_ID", "AKIA1"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", "t"),
    ];
    let found = keys(&set).await.unwrap();
    assert_eq!((found.id.as_str(), found.token.unwrap().expose()), ("AKIA1", "t"));
}

#[test]
fn a_section_of_a_file_ends_where_the_next_begins() {
    let text = "[default]\naws_access_key_id = A\n# x = y\n[profile b]\naws_access_key_id=B\n";
    assert_eq!(section(text, "default"), [("aws_access_key_id", "A")]);
    assert_eq!(section(text, "profile b"), [("aws_access_key_id", "B")]);
}

#[tokio::test]
async fn the_chosen_profile_of_the_shared_files_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let path = file.display().to_string();
    std::fs::write(&file, "[default]\naws_access_key_id=A\naws_secret_access_key=s\n[other]\naws_access_key_id=O\naws_secret_access_key=s\n[sso]\nsso_session=x\n").unwrap();
    let set = ("AWS_SHARED_CREDENTIALS_FILE", path.as_str());
    assert_eq!(keys(&[set]).await.unwrap().id, "A");
    assert_eq!(keys(&[set, ("AWS_PROFILE", "other")]).await.unwrap().id, "O");
    let error = keys(&[set, ("AWS_PROFILE", "sso")]).await.err().unwrap();
    assert!(error.contains("sso_session"), "{error}");
}

#[tokio::test]
async fn a_container_asks_its_endpoint_with_its_token() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, WRITTEN));
    let url = format!("{}/creds", upstream.url());
    let set = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "abc"),
    ];
    assert_eq!(keys(&set).await.unwrap().id, "ASIA1");
    assert_eq!(upstream.requests()[0].header("authorization").as_deref(), Some("abc"));
}

#[tokio::test]
async fn an_instance_is_asked_with_a_token_and_its_keys_are_kept_until_they_end() {
    let upstream = Upstream::start().await.unwrap();
    for answer in ["tok", "role-1\n", WRITTEN] {
        upstream.push(Answer::json(200, answer.to_owned()));
    }
    let url = upstream.url();
    let chain = chain(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)]);
    let transport = HttpTransport::new(Keys::default());
    for _ in 0..2 {
        let keys = chain.keys(&transport, Timestamp::from_micros(0), "eu-west-1").await.unwrap();
        assert_eq!(keys.token.unwrap().expose(), "t");
    }
    let requests = upstream.requests();
    let asked: Vec<_> = requests.iter().map(|r| format!("{} {}", r.method(), r.path())).collect();
    let role = "/latest/meta-data/iam/security-credentials/";
    assert_eq!(
        asked.iter().map(|line| line.replace("/v1", "")).collect::<Vec<_>>(),
        ["PUT /latest/api/token".to_owned(), format!("GET {role}"), format!("GET {role}role-1")]
    );
    assert_eq!(requests[2].header("x-aws-ec2-metadata-token").as_deref(), Some("tok"));
}

#[tokio::test]
async fn a_web_identity_is_exchanged_for_keys() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, r#"{"AssumeRoleWithWebIdentityResponse": {"AssumeRoleWithWebIdentityResult":
        {"Credentials": {"AccessKeyId": "ASIA2", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": 4.0E9}}}}"#));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "web-token\n").unwrap();
    let (file, url) = (file.display().to_string(), upstream.url());
    let set = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*file),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
        ("AWS_ENDPOINT_URL_STS", &*url),
    ];
    assert_eq!(keys(&set).await.unwrap().id, "ASIA2");
}

#[tokio::test]
async fn nothing_at_all_says_so() {
    let error = keys(&[("AWS_EC2_METADATA_DISABLED", "true")]).await.err().unwrap();
    assert_eq!(error, "no AWS credentials are configured");
}
