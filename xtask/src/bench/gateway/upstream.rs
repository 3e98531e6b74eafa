//! The provider: answers at once, as the question says.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use axum::routing::post;
use futures::stream::{self, Stream, StreamExt as _};
use tokio::time::{MissedTickBehavior, interval};

use super::script::{self, Manner};

/// Its routes.
pub(super) fn routes() -> Router {
    let reply = Bytes::from(script::reply());
    Router::new().route(script::PATH, post(move |body| ready(answer(&body, reply.clone()))))
}

fn answer(body: &Bytes, reply: Bytes) -> Response {
    let manner = Manner::of(&String::from_utf8_lossy(body));
    let (content_type, body) = match manner {
        Manner::Whole => ("application/json", Body::from(reply)),
        Manner::Pieces { count, pause } => ("text/event-stream", pieces(count, pause)),
        Manner::Hold => {
            let first = stream::iter([Ok::<_, Infallible>(Bytes::from(script::piece(false)))]);
            ("text/event-stream", Body::from_stream(first.chain(stream::pending())))
        }
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn pieces(count: usize, pause: Duration) -> Body {
    let (piece, last) = (Bytes::from(script::piece(false)), Bytes::from(script::piece(true)));
    let end = Bytes::from(script::end());
    let pieces = (0..count).map(move |_| piece.clone()).chain([last, end]).map(Ok::<_, Infallible>);
    if pause.is_zero() {
        Body::from_stream(stream::iter(pieces))
    } else {
        Body::from_stream(paced(stream::iter(pieces), pause))
    }
}

/// One item after each pause.
fn paced<S: Stream>(items: S, pause: Duration) -> impl Stream<Item = S::Item> {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold((Box::pin(items), ticks), |(mut items, mut ticks)| async move {
        ticks.tick().await;
        let item = items.next().await?;
        Some((item, (items, ticks)))
    })
}
