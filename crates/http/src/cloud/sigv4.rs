//! AWS Signature Version 4 in headers, as the AWS General Reference describes it
//! (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use http::Uri;
use largestack_ports::transport::{Method, Request};
use largestack_ports::vault::Sensitive;
use largestack_types::percent::encoded;
use largestack_types::time::Timestamp;

use super::aws::AwsKeys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The headers that sign a request: the time, the session's token, and the signature over them,
/// the host, the request's own headers and its body.
pub(super) fn sign(
    request: &Request,
    keys: &AwsKeys,
    service: &str,
    region: &str,
    now: Timestamp,
) -> Result<Vec<(&'static str, Sensitive)>, String> {
    let uri: Uri = request.url.parse().map_err(|_| "the address is not valid".to_owned())?;
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let time = stamp(now);
    let day = time.get(..8).unwrap_or_default();
    let mut headers: Vec<(String, String)> =
        vec![("host".into(), host), ("x-amz-date".into(), time.clone())];
    if let Some(token) = &keys.token {
        headers.push(("x-amz-security-token".into(), token.expose().to_owned()));
    }
    for (name, value) in &request.headers {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let mut lines = String::new();
    for (name, value) in &headers {
        let _ = writeln!(lines, "{name}:{value}");
    }
    let (method, body) = match request.method {
        Method::Get => ("GET", &[][..]),
        Method::Post => ("POST", &request.body[..]),
        Method::Put => ("PUT", &request.body[..]),
    };
    let canonical =
        format!("{method}\n{}\n{}\n{lines}\n{names}\n{}", path(&uri), query(&uri), sha256(body));
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let secret = format!("AWS4{}", keys.secret.expose());
    let mut key = secret.into_bytes();
    for word in [day, region, service, "aws4_request", &to_sign] {
        key = mac(&key, word.as_bytes());
    }
    let signature = hex::encode(key);
    let signed = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        keys.id
    );
    let mut ready =
        vec![("x-amz-date", Sensitive::new(time)), ("authorization", Sensitive::new(signed))];
    ready.extend(keys.token.clone().map(|token| ("x-amz-security-token", token)));
    Ok(ready)
}

/// Each segment encoded once more: every service but S3 wants it so.
fn path(uri: &Uri) -> String {
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn query(uri: &Uri) -> String {
    let mut pairs: Vec<String> = uri
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter(|pair| !pair.is_empty())
        .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
        .collect();
    pairs.sort();
    pairs.join("&")
}

/// `20150830T123600Z`.
fn stamp(now: Timestamp) -> String {
    let text: String = now.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let seconds = text.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!("{seconds}Z")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use largestack_ports::transport::{Auth, Timeouts};

    use super::*;

    /// The keys and the time of the published test suite.
    fn signed(
        method: Method,
        url: &str,
        headers: &[(&'static str, &'static str)],
        body: &'static [u8],
    ) -> String {
        let request = Request {
            provider: "aws".into(),
            method,
            url: url.into(),
            headers: headers.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            auth: Auth::None,
            body: Bytes::from_static(body),
            timeouts: Timeouts::default(),
        };
        let keys = AwsKeys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Sensitive::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            token: None,
        };
        // 2015-08-30T12:36:00Z
        let now = Timestamp::from_micros(1_440_938_160_000_000);
        let ready = sign(&request, &keys, "service", "us-east-1", now).unwrap();
        assert_eq!(ready[0].1.expose(), "20150830T123600Z");
        ready[1].1.expose().split("Signature=").nth(1).unwrap().to_owned()
    }

    #[test]
    fn the_published_test_suite_agrees() {
        let host = "https://example.amazonaws.com";
        let get = |path: &str| signed(Method::Get, &format!("{host}{path}"), &[], b"");
        assert_eq!(
            get("/"),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            "get-vanilla"
        );
        assert_eq!(
            get("/?Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            "get-vanilla-query-order-key-case"
        );
        assert_eq!(
            signed(Method::Post, &format!("{host}/"), &[], b""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            "post-vanilla"
        );
        assert_eq!(
            signed(
                Method::Post,
                &format!("{host}/"),
                &[("content-type", "application/x-www-form-urlencoded")],
                b"Param1=value1"
            ),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            "post-x-www-form-urlencoded"
        );
    }

    #[test]
    fn an_encoded_path_is_encoded_once_more() {
        let uri: Uri = "https://x/model/a%3A0/converse".parse().unwrap();
        assert_eq!(path(&uri), "/model/a%253A0/converse");
    }
}
