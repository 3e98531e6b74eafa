use std::fs;

use largestack_ports::BoxFuture;
use largestack_ports::egress::{EgressError, Fetched};

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

fn intake(folder: &Path, max_bytes: usize) -> Intake {
    let rules = Rules { folders: vec![folder.to_path_buf()], max_bytes, ..Rules::default() };
    Intake::new(rules, None)
}

async fn wrong(intake: &Intake, from: From) -> String {
    let error = intake.take(from).await.unwrap_err();
    assert_eq!(error.code(), Code::Input);
    error.message()
}

#[tokio::test]
async fn a_file_of_an_allowed_folder_is_taken_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let path = folder.path().join("sub/a.png");
    fs::write(&path, PNG).unwrap();
    let media = intake(folder.path(), 100).take(From::Path(path)).await.unwrap();
    assert_eq!(
        (&*media.mime, media.kind, media.name.as_deref()),
        ("image/png", MediaKind::Image, Some("a.png"))
    );
    assert_eq!(media.source, MediaSource::Base64(STANDARD.encode(PNG).into()));
}

#[tokio::test]
async fn a_file_that_is_missing_empty_too_large_or_elsewhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let allowed = folder.path().join("in");
    fs::create_dir(&allowed).unwrap();
    fs::write(allowed.join("exact.png"), PNG).unwrap();
    fs::write(allowed.join("empty.png"), "").unwrap();
    fs::write(folder.path().join("out.png"), PNG).unwrap();
    let taken = intake(&allowed, PNG.len());
    let path = |name: &str| From::Path(allowed.join(name));
    assert!(taken.take(path("exact.png")).await.is_ok());
    let less = intake(&allowed, PNG.len() - 1);
    assert!(wrong(&less, path("exact.png")).await.contains("has more than"));
    assert!(wrong(&taken, path("no.png")).await.contains("there is no file"));
    assert!(wrong(&taken, path("empty.png")).await.contains("is empty"));
    assert!(wrong(&taken, path("../out.png")).await.contains("outside"));
    let out = From::Path(folder.path().join("out.png"));
    assert!(wrong(&taken, out.clone()).await.contains("none of the folders"));
    let nothing = Intake::new(Rules::default(), None);
    assert!(wrong(&nothing, out).await.contains("none of the folders"));
}

#[cfg(unix)]
#[tokio::test]
async fn no_link_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let allowed = folder.path().join("in");
    fs::create_dir(&allowed).unwrap();
    fs::write(folder.path().join("out.png"), PNG).unwrap();
    std::os::unix::fs::symlink("../out.png", allowed.join("link.png")).unwrap();
    let taken = intake(&allowed, 100);
    assert!(wrong(&taken, From::Path(allowed.join("link.png"))).await.contains("outside"));
}

#[tokio::test]
async fn bytes_have_to_be_what_they_say() {
    let taken = intake(Path::new("."), 100);
    let bytes = |bytes: &'static [u8], name: Option<&str>, mime: Option<&str>| From::Bytes {
        bytes: Bytes::from_static(bytes),
        name: name.map(Arc::from),
        mime: mime.map(Arc::from),
    };
    for (what, mime) in [
        (bytes(PNG, None, None), "image/png"),
        (bytes(PNG, Some("a.txt"), Some("image/png")), "image/png"),
        (bytes(b"a,b", Some("a.csv"), None), "text/csv"),
        (bytes(b"%PDF-1.7", None, Some("application/pdf")), "application/pdf"),
        (bytes(b"RIFF....WAVE", Some("a.wav"), None), "audio/wav"),
        (bytes(b"....ftypisom", Some("a.m4a"), None), "audio/mp4"),
    ] {
        assert_eq!(&*taken.take(what).await.unwrap().mime, mime);
    }
    for what in [
        bytes(PNG, Some("a.jpg"), None),
        bytes(PNG, None, Some("text/plain")),
        bytes(b"<html>", Some("a.png"), None),
        bytes(b"\xff\xfe\x00", Some("a.txt"), None),
    ] {
        assert!(wrong(&taken, what).await.contains("says that it is"));
    }
    assert!(wrong(&taken, bytes(b"hm", None, None)).await.contains("no kind that is known"));
}

#[tokio::test]
async fn a_providers_own_file_is_named_and_not_read() {
    let from = From::ProviderFile { id: "file-1".into(), mime: "application/pdf".into() };
    let media = intake(Path::new("."), 0).take(from).await.unwrap();
    assert_eq!(media.source, MediaSource::ProviderFile("file-1".into()));
}

/// Answers every errand alike.
struct Page(std::result::Result<(u16, &'static str, &'static [u8], bool), EgressError>);

impl Egress for Page {
    fn run(&self, errand: Errand) -> BoxFuture<'_, std::result::Result<Fetched, EgressError>> {
        let fetched = self.0.clone().map(|(status, content_type, body, cut)| Fetched {
            status,
            url: errand.url.as_ref().to_owned(),
            headers: http::HeaderMap::new(),
            content_type: content_type.to_owned(),
            body: Bytes::from_static(body),
            cut,
        });
        Box::pin(std::future::ready(fetched))
    }
}

#[tokio::test]
async fn an_address_is_fetched_by_the_one_way_out_and_nothing_else_is_believed() {
    let url = || From::Url("https://example.org/p/a.png?x=1".to_owned());
    let with = |page| Intake::new(Rules::default(), Some(Arc::new(Page(page))));
    let media = with(Ok((200, "image/png", PNG, false))).take(url()).await.unwrap();
    assert_eq!((&*media.mime, media.name.as_deref()), ("image/png", Some("a.png")));
    let plain = with(Ok((200, "application/octet-stream", PNG, false)));
    assert_eq!(&*plain.take(url()).await.unwrap().mime, "image/png");
    assert!(wrong(&with(Ok((404, "image/png", PNG, false))), url()).await.contains("status 404"));
    assert!(wrong(&with(Ok((200, "text/html", PNG, false))), url()).await.contains("says that"));
    let rules = Rules { max_bytes: PNG.len(), ..Rules::default() };
    let cut = Intake::new(rules, Some(Arc::new(Page(Ok((200, "image/png", PNG, true))))));
    assert!(wrong(&cut, url()).await.contains("has more than"));
    let host = "10.0.0.1".to_owned();
    let why = "it is not public".to_owned();
    let forbidden = with(Err(EgressError::Forbidden { host, why }));
    assert_eq!(forbidden.take(url()).await.unwrap_err().code(), Code::Egress);
    assert!(wrong(&Intake::new(Rules::default(), None), url()).await.contains("no way out"));
}
