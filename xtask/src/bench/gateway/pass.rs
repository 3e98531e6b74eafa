//! What the gateway is measured beside: the least that stands between a client and a provider. It
//! reads nothing and keeps nothing: axum in front, reqwest behind.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use reqwest::Client;

use super::script;
use crate::Outcome;

/// Its routes.
pub(super) fn routes(upstream: SocketAddr) -> Outcome<Router> {
    let client = Client::builder().tcp_nodelay(true).tls_certs_only([]).no_proxy().build()?;
    let url = format!("http://{upstream}{}", script::PATH);
    let pass = move |body| pass(client.clone(), url.clone(), body);
    Ok(Router::new().route(script::PATH, post(pass)))
}

async fn pass(client: Client, url: String, body: Bytes) -> Response {
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, "Bearer bench")
        .body(body);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let (status, content_type) = (answer.status(), answer.headers().get(CONTENT_TYPE).cloned());
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    response.headers_mut().extend(content_type.map(|value| (CONTENT_TYPE, value)));
    response
}
