//! Compressed bodies, unpacked as they come, and no further than is sensible: a few bytes can
//! stand for gigabytes.

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use bytes::Bytes;
use flate2::write::GzDecoder;

use crate::zstd::Zstd;

/// The codings that are asked for (RFC 9110, 8.4.1; RFC 7932; RFC 9659).
pub(crate) const SPOKEN: &str = "gzip, br, zstd";
/// What a body may always unpack to, whatever it came as.
const FLOOR: u64 = 16 << 20;
/// Beyond that, bytes unpacked for each that came. Ordinary text stays below 30.
const RATIO: u64 = 100;
/// Bytes that a decoder hands over at once.
const STEP: usize = 16 << 10;

/// Unpacks a body.
pub(crate) struct Unzip {
    coding: Coding,
    most: u64,
    came: u64,
    went: u64,
}

enum Coding {
    Gzip(Box<GzDecoder<Sink>>),
    Brotli(Box<DecompressorWriter<Sink>>),
    Zstd(Box<Zstd>, Sink),
}

/// Where unpacked bytes go, as long as there is room.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    out: Vec<u8>,
    room: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unzip {
    /// The way to unpack what is coded in this way, to at most `most` bytes; `None` for what is not
    /// coded in a way that was asked for.
    pub(crate) fn of(name: &[u8], most: u64) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let coding = if is("gzip") || is("x-gzip") {
            Coding::Gzip(Box::new(GzDecoder::new(Sink::default())))
        } else if is("br") {
            Coding::Brotli(Box::new(DecompressorWriter::new(Sink::default(), STEP)))
        } else if is("zstd") {
            Coding::Zstd(Box::default(), Sink::default())
        } else {
            return None;
        };
        Some(Self { coding, most, came: 0, went: 0 })
    }

    /// What a chunk unpacks to; may be nothing yet.
    pub(crate) fn chunk(&mut self, chunk: &[u8]) -> io::Result<Bytes> {
        self.came = self.came.saturating_add(chunk.len() as u64);
        self.make_room();
        match &mut self.coding {
            Coding::Gzip(gzip) => {
                gzip.write_all(chunk)?;
                gzip.flush()?;
            }
            Coding::Brotli(brotli) => brotli.write_all(chunk)?,
            Coding::Zstd(zstd, sink) => zstd.write(chunk, sink)?,
        }
        Ok(self.taken())
    }

    /// What the end of the body unpacks to; an error when it was cut off.
    pub(crate) fn end(&mut self) -> io::Result<Bytes> {
        self.make_room();
        match &mut self.coding {
            Coding::Gzip(gzip) => gzip.try_finish()?,
            Coding::Brotli(brotli) => brotli.close()?,
            Coding::Zstd(zstd, _) => zstd.end()?,
        }
        Ok(self.taken())
    }

    fn sink(&mut self) -> &mut Sink {
        match &mut self.coding {
            Coding::Gzip(gzip) => gzip.get_mut(),
            Coding::Brotli(brotli) => brotli.get_mut(),
            Coding::Zstd(_, sink) => sink,
        }
    }

    fn make_room(&mut self) {
        let sensible = self.came.saturating_mul(RATIO).max(FLOOR).min(self.most);
        let room = usize::try_from(sensible.saturating_sub(self.went)).unwrap_or(usize::MAX);
        self.sink().room = room;
    }

    fn taken(&mut self) -> Bytes {
        let out = std::mem::take(&mut self.sink().out);
        self.went = self.went.saturating_add(out.len() as u64);
        out.into()
    }
}

#[cfg(test)]
mod tests;
