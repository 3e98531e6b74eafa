//! What bytes are, by how they begin, and what a file's name says of them.
//!
//! The beginnings are those of the WHATWG's MIME sniffing standard (section 6) and, for HEIF, AVIF
//! and QuickTime, the brands registered for ISO base media files (mp4ra.org).

/// The media type that bytes begin as; `None` for text and what is not known.
pub fn sniffed(bytes: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: &[(&[u8], &str)] = &[
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"BM", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"%PDF-", "application/pdf"),
        (b"ID3", "audio/mpeg"),
        (b"\xff\xfb", "audio/mpeg"),
        (b"\xff\xf3", "audio/mpeg"),
        (b"OggS\0", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
        (b"PK\x03\x04", "application/zip"),
    ];
    if let Some((_, mime)) = BEGINNINGS.iter().find(|(begins, _)| bytes.starts_with(begins)) {
        return Some(mime);
    }
    match (bytes.get(..4)?, bytes.get(4..8)?, bytes.get(8..12)?) {
        (b"RIFF", _, b"WEBP") => Some("image/webp"),
        (b"RIFF", _, b"WAVE") => Some("audio/wav"),
        (b"RIFF", _, b"AVI ") => Some("video/x-msvideo"),
        (_, b"ftyp", b"heic" | b"heix" | b"mif1") => Some("image/heic"),
        (_, b"ftyp", b"avif") => Some("image/avif"),
        (_, b"ftyp", b"M4A ") => Some("audio/mp4"),
        (_, b"ftyp", b"qt  ") => Some("video/quicktime"),
        (_, b"ftyp", _) => Some("video/mp4"),
        _ => None,
    }
}

/// The media type that a file's name says.
pub fn of_name(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    Some(match end.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "svg" => "image/svg+xml",
        "heic" | "heif" => "image/heic",
        "avif" => "image/avif",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" | "oga" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "avi" => "video/x-msvideo",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "md" | "markdown" => "text/markdown",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "xml" => "application/xml",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => return None,
    })
}

/// Whether a media type is one of text, which begins as it likes.
pub(super) fn is_text(mime: &str) -> bool {
    mime.starts_with("text/")
        || mime.ends_with("+xml")
        || mime.ends_with("+json")
        || matches!(mime, "application/json" | "application/xml")
}

/// Whether bytes that are `found` may be called `said`: containers have many names.
pub(super) fn same(said: &str, found: &str) -> bool {
    let iso =
        ["image/heic", "image/heif", "image/avif", "audio/mp4", "video/mp4", "video/quicktime"];
    let zip = said.starts_with("application/vnd.openxmlformats-officedocument.")
        || said.starts_with("application/vnd.oasis.opendocument.");
    said == found
        || (found == "application/zip" && zip)
        || (found == "video/mp4" && iso.contains(&said))
        || matches!(
            (said, found),
            ("image/jpg", "image/jpeg")
                | ("image/heif", "image/heic")
                | ("audio/mp3", "audio/mpeg")
                | ("audio/x-wav" | "audio/wave", "audio/wav")
                | ("audio/opus" | "video/ogg" | "application/ogg", "audio/ogg")
                | ("audio/webm" | "video/x-matroska", "video/webm")
                | ("audio/x-m4a", "audio/mp4")
        )
}
