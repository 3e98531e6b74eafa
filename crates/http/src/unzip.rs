//! Compressed bodies, unpacked as they come.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::write::GzDecoder;

/// Unpacks a body in gzip.
#[derive(Debug)]
pub(crate) struct Unzip(GzDecoder<Vec<u8>>);

impl Unzip {
    pub(crate) fn new() -> Self {
        Self(GzDecoder::new(Vec::new()))
    }

    /// What a chunk unpacks to; may be nothing yet.
    pub(crate) fn chunk(&mut self, chunk: &[u8]) -> io::Result<Bytes> {
        self.0.write_all(chunk)?;
        self.0.flush()?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }

    /// What the end of the body unpacks to; an error when it was cut off.
    pub(crate) fn end(&mut self) -> io::Result<Bytes> {
        self.0.try_finish()?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }
}
