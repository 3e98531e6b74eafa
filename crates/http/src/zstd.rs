//! Zstandard as bytes come: the frame's pieces are cut here (RFC 8878, 3.1.1), one block at a time
//! is given to the decoder, so that what a piece unpacks to is bounded before it is unpacked.

use std::io::{self, Write};

use ruzstd::decoding::FrameDecoder;

/// The magic number of a frame.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The largest window that HTTP allows (RFC 9659, 3).
const MAX_WINDOW: u64 = 8 << 20;
/// A block unpacks to no more.
const MAX_BLOCK: usize = 128 << 10;

/// Where in a frame the next piece belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Between frames: the beginning, and the end of a whole body.
    #[default]
    Frame,
    Block,
    Checksum,
}

/// A decoder that is written to.
#[derive(Default)]
pub(crate) struct Zstd {
    decoder: FrameDecoder,
    /// What has come of a piece that is not whole.
    held: Vec<u8>,
    at: At,
    checked: bool,
    began: bool,
}

impl Zstd {
    /// Unpacks what becomes whole with these bytes.
    pub(crate) fn write(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let mut rest = &held[..];
        while let Some(length) = self.piece(rest)? {
            let Some((piece, behind)) = rest.split_at_checked(length) else { break };
            self.take(piece, out)?;
            rest = behind;
        }
        self.held = rest.to_vec();
        Ok(())
    }

    /// Whether the body may end here.
    pub(crate) fn end(&self) -> io::Result<()> {
        let whole = self.began && self.at == At::Frame && self.held.is_empty();
        if whole { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// The length of the next piece, once that is known.
    fn piece(&self, rest: &[u8]) -> io::Result<Option<usize>> {
        match self.at {
            At::Frame => header_length(rest),
            At::Block => Ok(rest.first_chunk().map(|header| 3 + block(*header).content)),
            At::Checksum => Ok(Some(4)),
        }
    }

    fn take(&mut self, piece: &[u8], out: &mut impl Write) -> io::Result<()> {
        match self.at {
            At::Frame => {
                self.decoder.reset(piece).map_err(io::Error::other)?;
                self.began = true;
                self.checked = piece.get(4).is_some_and(|descriptor| descriptor & 4 != 0);
                self.at = At::Block;
            }
            At::Block => {
                let block = piece.first_chunk().map(|header| block(*header)).unwrap_or_default();
                if block.reserved {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                self.unpack(piece, out)?;
                self.at = match (block.last, self.checked) {
                    (false, _) => At::Block,
                    (true, true) => At::Checksum,
                    (true, false) => At::Frame,
                };
            }
            At::Checksum => self.at = At::Frame,
        }
        Ok(())
    }

    fn unpack(&mut self, piece: &[u8], out: &mut impl Write) -> io::Result<()> {
        let mut room = vec![0; MAX_BLOCK];
        let mut piece = piece;
        loop {
            let (read, written) =
                self.decoder.decode_from_to(piece, &mut room).map_err(io::Error::other)?;
            piece = piece.get(read..).unwrap_or_default();
            out.write_all(room.get(..written).unwrap_or_default())?;
            if written == 0 && piece.is_empty() {
                return Ok(());
            }
            if written == 0 && read == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Block {
    last: bool,
    reserved: bool,
    /// Bytes behind the header.
    content: usize,
}

/// A block's header (RFC 8878, 3.1.1.2).
fn block(header: [u8; 3]) -> Block {
    let [low, middle, high] = header.map(usize::from);
    let size = (low | middle << 8 | high << 16) >> 3;
    let kind = low >> 1 & 3;
    // A block of one repeated byte has that byte alone.
    let content = if kind == 1 { 1 } else { size };
    Block { last: low & 1 == 1, reserved: kind == 3 || size > MAX_BLOCK, content }
}

/// The length of a frame's header (RFC 8878, 3.1.1.1), once that is known.
fn header_length(rest: &[u8]) -> io::Result<Option<usize>> {
    let magic = rest.get(..4.min(rest.len())).unwrap_or_default();
    if !MAGIC.starts_with(magic) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let Some(descriptor) = rest.get(4).copied() else { return Ok(None) };
    let single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let content = match descriptor >> 6 {
        0 => usize::from(single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let before = 5 + usize::from(!single) + dictionary;
    let Some(header) = rest.get(..before + content) else { return Ok(None) };
    let window = if single {
        let size = header.iter().skip(before).rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
        size + if content == 2 { 256 } else { 0 }
    } else {
        let byte = u64::from(header.get(5).copied().unwrap_or_default());
        let base = 1_u64 << (10 + (byte >> 3));
        base + base / 8 * (byte & 7)
    };
    if window > MAX_WINDOW {
        return Err(io::Error::other("its window is larger than HTTP allows"));
    }
    Ok(Some(before + content))
}
