//! Documents of words among media: what they say is read as the guards read other text, and what is
//! changed of it is put back in the place of their bytes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_engine::event::FindingRecord;
use largestack_types::part::{Body, Media, MediaKind, MediaSource, PartId};

/// Longest document that is read, bytes.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// What a medium says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// These.
    Read(String),
    /// Nobody here can tell: a document in a form, of a length or at a place that is not read.
    Unread,
    /// Nothing: it is no document. Bytes kept beside a journal were read when they came.
    None,
}

/// What a medium says.
pub(crate) fn words(media: &Media) -> Words {
    let of_text = is_text(&media.mime);
    if !of_text && media.kind != MediaKind::Document {
        return Words::None;
    }
    let MediaSource::Base64(base64) = &media.source else {
        return match media.source {
            MediaSource::Blob(_) => Words::None,
            _ => Words::Unread,
        };
    };
    // Four letters are three bytes.
    if base64.len() / 4 > MOST_BYTES / 3 + 1 {
        return Words::Unread;
    }
    let Ok(bytes) = STANDARD.decode(base64.as_bytes()) else { return Words::Unread };
    if bytes.len() > MOST_BYTES {
        return Words::Unread;
    }
    decoded(&bytes, charset(&media.mime).as_deref()).map_or(Words::Unread, Words::Read)
}

/// What a part says that may hold sensitive values: words, or a document of words.
pub(crate) fn text_of(body: &Body) -> Option<Cow<'_, str>> {
    match body {
        Body::Text(text) => Some(Cow::Borrowed(text)),
        Body::Media(media) => match words(media) {
            Words::Read(text) => Some(Cow::Owned(text)),
            Words::Unread | Words::None => None,
        },
        _ => None,
    }
}

/// The same medium with other words, as UTF-8.
pub(crate) fn saying(media: &Media, words: &str) -> Media {
    let mime = media.mime.split(';').next().unwrap_or_default().trim();
    let source = MediaSource::Base64(STANDARD.encode(words).into());
    Media { mime: mime.into(), source, ..media.clone() }
}

/// What is recorded of a document that nobody here has read.
pub(crate) fn unread(part: PartId, media: &Media) -> Option<FindingRecord> {
    (words(media) == Words::Unread).then(|| FindingRecord {
        part,
        kind: "unread_document".into(),
        start: 0,
        end: 0,
        action: "warn".into(),
    })
}

/// Whether a media type is that of words.
fn is_text(mime: &str) -> bool {
    let mime = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let listed = [
        "application/json",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/csv",
        "application/javascript",
        "application/sql",
        "application/rtf",
    ];
    mime.starts_with("text/")
        || mime.ends_with("+json")
        || mime.ends_with("+xml")
        || listed.contains(&mime.as_str())
}

/// What a media type says of its letters.
fn charset(mime: &str) -> Option<String> {
    let parameters = mime.split(';').skip(1).filter_map(|one| one.split_once('='));
    let mut named = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    named.next().map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase())
}

/// Bytes as letters: by their mark, by what their type says, else UTF-8.
fn decoded(bytes: &[u8], charset: Option<&str>) -> Option<String> {
    let wide = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| of(*pair));
        rest.is_empty().then(|| char::decode_utf16(units).collect::<Result<String, _>>().ok())?
    };
    let text = match (bytes, charset) {
        ([0xef, 0xbb, 0xbf, rest @ ..], _) => std::str::from_utf8(rest).ok()?.to_owned(),
        ([0xff, 0xfe, rest @ ..], _) => wide(rest, u16::from_le_bytes)?,
        ([0xfe, 0xff, rest @ ..], _) => wide(rest, u16::from_be_bytes)?,
        (_, Some("utf-16le")) => wide(bytes, u16::from_le_bytes)?,
        (_, Some("utf-16be" | "utf-16")) => wide(bytes, u16::from_be_bytes)?,
        // Each byte is a letter.
        (_, Some("iso-8859-1" | "latin1")) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => std::str::from_utf8(bytes).ok()?.to_owned(),
    };
    // Words hold no such character; what does is read otherwise by whoever opens it.
    (!text.contains('\0') && !text.starts_with("%PDF")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(mime: &str, bytes: &[u8]) -> Media {
        let source = MediaSource::Base64(STANDARD.encode(bytes).into());
        Media { kind: MediaKind::Document, mime: mime.into(), source, name: None }
    }

    fn read(text: &str) -> Words {
        Words::Read(text.to_owned())
    }

    #[test]
    fn words_are_read_in_the_letters_that_they_are_written_in() {
        let wide = |of: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}héllo".encode_utf16().flat_map(of).collect()
        };
        for (mime, bytes) in [
            ("text/plain", "héllo".as_bytes().to_vec()),
            ("text/csv; charset=utf-8", "\u{feff}héllo".as_bytes().to_vec()),
            ("application/json", wide(u16::to_le_bytes)),
            ("text/html", wide(u16::to_be_bytes)),
            ("text/plain; charset=UTF-16LE", wide(u16::to_le_bytes)[2..].to_vec()),
            ("text/plain;charset=\"ISO-8859-1\"", b"h\xe9llo".to_vec()),
            ("application/octet-stream", "héllo".as_bytes().to_vec()),
        ] {
            assert_eq!(words(&document(mime, &bytes)), read("héllo"), "{mime}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_and_what_is_no_document_says_nothing() {
        for media in [
            document("text/plain", b"h\xe9llo"),
            document("application/pdf", b"%PDF-1.7"),
            document("application/zip", b"PK\0\0"),
            Media { source: MediaSource::Base64("!".into()), ..document("text/plain", b"") },
            Media {
                source: MediaSource::Url("https://a.test/a.txt".into()),
                ..document("text/plain", b"")
            },
        ] {
            assert_eq!(words(&media), Words::Unread, "{media:?}");
            assert!(unread(PartId::new(0, 1), &media).is_some());
        }
        let picture = Media { kind: MediaKind::Image, ..document("image/png", b"\x89PNG") };
        assert_eq!(words(&picture), Words::None);
        let drawing = Media { kind: MediaKind::Image, ..document("image/svg+xml", b"<svg/>") };
        assert_eq!(words(&drawing), read("<svg/>"));
    }

    #[test]
    fn a_document_of_the_limit_is_read_and_one_byte_more_is_not() {
        let of = |bytes: usize| words(&document("text/plain", &vec![b'a'; bytes]));
        assert!(matches!(of(MOST_BYTES), Words::Read(text) if text.len() == MOST_BYTES));
        assert_eq!(of(MOST_BYTES + 1), Words::Unread);
    }

    #[test]
    fn other_words_take_the_place_of_the_bytes() {
        let media = document("text/plain; charset=utf-16le", b"a\0");
        assert_eq!(words(&saying(&media, "bé")), read("bé"));
    }
}
