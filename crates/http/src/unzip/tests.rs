use std::fmt::Write as _;

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const MOST: u64 = 1 << 30;
/// `größer größer größer `, as `brotli -q 9` has it.
const BROTLI: &str = "1b1a0000041c72a4b9b4fc28890552ec134cc2f71a01";
/// 64 MiB of spaces, in the same way.
const BROTLI_BOMB: &str = "cbffff3f002440e2b14072effff8ffff078004401c1680eefd1fffffff00900088c302d0bdffe3ffff1f001200715800baf77ffcffff034002200e0b40f7fe8fffff7f004800c46101e8defff1ffff0f000980382c00ddfbbffcffff032001108705a07bff07";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    compress_to_vec(text, CompressionLevel::Fastest)
}

/// Everything that a body unpacks to when it comes in pieces of this size.
fn unpacked(name: &str, body: &[u8], piece: usize) -> io::Result<Vec<u8>> {
    let mut unzip = Unzip::of(name.as_bytes(), MOST).unwrap();
    let mut all = Vec::new();
    for chunk in body.chunks(piece) {
        all.extend(unzip.chunk(chunk)?);
    }
    all.extend(unzip.end()?);
    Ok(all)
}

/// 300 kB that repeat little, so that each coding needs more than one block.
fn prose() -> String {
    let mut text = String::new();
    for n in 0..30_000_u64 {
        let _ = write!(text, "{:x} ", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 28);
    }
    text
}

#[test]
fn every_coding_unpacks_to_the_same_however_it_is_cut() {
    let short = "größer größer größer ";
    let brotli = hex::decode(BROTLI).unwrap();
    let long = prose();
    for (name, body, text) in [
        ("gzip", gzip(short.as_bytes()), short),
        ("X-GZIP", gzip(long.as_bytes()), &long),
        ("br", brotli, short),
        ("zstd", zstd(short.as_bytes()), short),
        ("zstd", zstd(long.as_bytes()), &long),
        ("zstd", zstd(b""), ""),
    ] {
        for piece in [1, 2, 3, 7, 1_000, usize::MAX] {
            let whole = unpacked(name, &body, piece).unwrap();
            assert_eq!(whole, text.as_bytes(), "{name} in pieces of {piece}");
        }
    }
    let twice = [zstd(b"one "), zstd(b"two")].concat();
    assert_eq!(unpacked("zstd", &twice, 5).unwrap(), b"one two");
}

#[test]
fn what_is_cut_off_or_no_such_coding_is_an_error() {
    for (name, body) in [
        ("gzip", gzip(b"0123456789")),
        ("br", hex::decode(BROTLI).unwrap()),
        ("zstd", zstd(b"0123456789")),
    ] {
        for cut in 0..body.len() {
            assert!(unpacked(name, &body[..cut], 4).is_err(), "{name} cut off at {cut}");
        }
        assert!(unpacked(name, b"plain text, and no coding at all", 4).is_err(), "{name}");
    }
    assert!(Unzip::of(b"identity", MOST).is_none());
}

#[test]
fn a_body_that_unpacks_to_far_more_than_it_came_as_is_refused() {
    let spaces = vec![b' '; 64 << 20];
    for (name, body) in [
        ("gzip", gzip(&spaces)),
        ("br", hex::decode(BROTLI_BOMB).unwrap()),
        ("zstd", zstd(&spaces)),
    ] {
        for piece in [64, usize::MAX] {
            let error = unpacked(name, &body, piece).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{name}");
        }
    }
}

#[test]
fn a_small_body_may_repeat_itself_up_to_the_limit_and_no_further() {
    let text = vec![b' '; 1_000];
    for (name, body) in [("gzip", gzip(&text)), ("zstd", zstd(&text))] {
        let of = |most| {
            let mut unzip = Unzip::of(name.as_bytes(), most).unwrap();
            let all = unzip.chunk(&body)?;
            Ok::<_, io::Error>(all.len() + unzip.end()?.len())
        };
        assert_eq!(of(1_000).unwrap(), 1_000);
        assert_eq!(of(999).unwrap_err().kind(), io::ErrorKind::FileTooLarge, "{name}");
    }
}

#[test]
fn a_window_larger_than_http_allows_is_refused_before_it_is_made() {
    // A frame's header with a window of 8 MiB (RFC 8878: 2^(10 + 13)), and of the next step up.
    let header = |byte: u8| [0x28, 0xB5, 0x2F, 0xFD, 0, byte, 1, 0, 0];
    assert_eq!(unpacked("zstd", &header(13 << 3), 9).unwrap(), b"");
    let error = unpacked("zstd", &header(13 << 3 | 1), 9).unwrap_err();
    assert!(error.to_string().contains("window"), "{error}");
}
