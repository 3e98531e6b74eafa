//! From bytes to text. Only markdown and plain text are documents here; anything else is refused by name, so that a folder with one
//! picture in it still becomes an index and the picture is reported instead of being indexed as noise.

use std::borrow::Cow;

use crate::error::Error;

/// The largest document accepted, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// How the structure of a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Headings with `#`, pipe tables, fenced code, lists.
    Markdown,
    /// Paragraphs, underlined or upper-case headings, lists.
    Plain,
}

impl Format {
    /// The format a file name promises: `.md`, `.markdown` and `.mdx` are markdown, everything else is plain text.
    pub fn of(path: &str) -> Self {
        let name = path.to_ascii_lowercase();
        if [".md", ".markdown", ".mdx"].iter().any(|end| name.ends_with(end)) {
            Self::Markdown
        } else {
            Self::Plain
        }
    }
}

/// Openings of formats that are not text, with the name to report.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x7fELF", "an ELF program"),
    (b"\0asm", "a WebAssembly module"),
    (b"SQLite format 3", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
];

/// The text of a document, borrowed from its bytes, without a byte-order mark.
///
/// Fails with [`Error::TooLarge`] above [`MAX_DOCUMENT_BYTES`] and with [`Error::NotText`] for known binary formats, NUL bytes, HTML
/// pages and invalid UTF-8.
pub fn text<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, Error> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            limit: MAX_DOCUMENT_BYTES as u64,
        });
    }
    let not_text = |found: Cow<'static, str>| Error::NotText {
        path: path.to_owned(),
        found: found.into_owned(),
    };
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(not_text(Cow::Borrowed(name)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(not_text(format!("binary data (a NUL byte at offset {at})").into()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        not_text(format!("invalid UTF-8 at byte {}", error.valid_up_to()).into())
    })?;
    let opening = text.trim_start().get(..15).unwrap_or_default().to_ascii_lowercase();
    if opening.starts_with("<!doctype html") || opening.starts_with("<html") {
        return Err(not_text(Cow::Borrowed("an HTML page")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_not_text_is_named_with_what_it_is() {
        for (bytes, word) in [
            (&b"%PDF-1.7 ..."[..], "PDF"),
            (b"\x89PNG\r\n", "PNG"),
            (b"abc\0def", "offset 3"),
            (b"abc\xff", "byte 3"),
            (b"\xff\xfeh\0i\0", "UTF-16"),
            (b"<!DOCTYPE html><html>", "HTML"),
        ] {
            let error = text("docs/x.md", bytes).unwrap_err().to_string();
            assert!(error.contains("docs/x.md") && error.contains(word), "{error}");
        }
    }

    #[test]
    fn text_is_accepted_with_and_without_a_byte_order_mark() {
        assert_eq!(text("a.txt", b"\xef\xbb\xbfhello").unwrap(), "hello");
        assert_eq!(text("a.txt", "na\u{ef}ve".as_bytes()).unwrap(), "na\u{ef}ve");
        assert_eq!(text("a.txt", b"").unwrap(), "");
    }

    #[test]
    fn the_size_limit_is_exact() {
        let mut bytes = vec![b'a'; MAX_DOCUMENT_BYTES];
        assert!(text("big.txt", &bytes).is_ok());
        bytes.push(b'a');
        assert!(matches!(text("big.txt", &bytes), Err(Error::TooLarge { .. })));
    }
}
