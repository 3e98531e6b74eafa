//! What a program says, as far as it is kept.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Most bytes that are taken at once.
const PIECE: usize = 64 << 10;

/// What of a text is kept where it is longer than it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All of it: a byte more ends the program.
    Whole,
    /// Its end.
    End,
}

/// What was said.
#[derive(Clone)]
pub(crate) struct Kept {
    keep: Keep,
    most: usize,
    said: Arc<Mutex<VecDeque<u8>>>,
}

impl Kept {
    pub(crate) fn new(keep: Keep, most: usize) -> Self {
        Self { keep, most, said: Arc::default() }
    }

    /// What is kept; nothing where more was said than may be.
    pub(crate) fn bytes(&self) -> Option<Bytes> {
        let said = self.said();
        (said.len() <= self.most).then(|| said.iter().copied().collect())
    }

    fn said(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the program may go on.
    fn hear(&self, piece: &[u8]) -> bool {
        let mut said = self.said();
        said.extend(piece);
        if self.keep == Keep::End {
            let over = said.len().saturating_sub(self.most);
            said.drain(..over);
        }
        said.len() <= self.most
    }
}

impl OutputStream for Kept {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.hear(&bytes) {
            Ok(())
        } else {
            Err(StreamError::trap("the program wrote more than it may"))
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PIECE)
    }
}

// As `async_trait` writes it.
impl Pollable for Kept {
    fn ready<'life, 'future>(&'life mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for Kept {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let goes_on = self.hear(bytes);
        Poll::Ready(if goes_on { Ok(bytes.len()) } else { Err(io::ErrorKind::BrokenPipe.into()) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for Kept {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Kept {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}
