use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::future::{Ready, ready};
use hyper::rt::ReadBufCursor;
use hyper_util::client::legacy::connect::Connected;

use super::*;

/// A connection that answers nothing and keeps what each write brings.
#[derive(Clone, Default)]
struct Recording {
    writes: Arc<Mutex<Vec<Vec<u8>>>>,
    reader: Arc<Mutex<Option<Waker>>>,
}

impl Recording {
    fn keep(&self, bytes: Vec<u8>) -> Poll<io::Result<usize>> {
        let length = bytes.len();
        self.writes.lock().unwrap().push(bytes);
        if let Some(reader) = self.reader.lock().unwrap().take() {
            reader.wake();
        }
        Poll::Ready(Ok(length))
    }
}

impl Service<Uri> for Recording {
    type Response = Self;
    type Error = io::Error;
    type Future = Ready<io::Result<Self>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(Ok(self.clone()))
    }
}

impl Connection for Recording {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Recording {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        *self.reader.lock().unwrap() = Some(cx.waker().clone());
        // The end, as soon as something was written.
        if self.writes.lock().unwrap().is_empty() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl Write for Recording {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.keep(bytes.to_vec())
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.keep(pieces.iter().flat_map(|piece| piece.to_vec()).collect())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_request_leaves_in_one_write_head_and_body_together() {
    for length in [0, 1, 10_000, 1_000_000] {
        let connection = Recording::default();
        let client = pooled(connection.clone(), Duration::from_secs(10));
        let body = Full::new(Bytes::from(vec![b'x'; length]));
        let request = http::Request::post("http://provider.invalid/v1").body(body).unwrap();
        assert!(client.request(request).await.is_err());
        let writes = connection.writes.lock().unwrap();
        assert_eq!(writes.len(), 1, "{length} bytes");
        assert!(writes[0].starts_with(b"POST /v1 HTTP/1.1\r\n") && writes[0].len() > length);
    }
}
