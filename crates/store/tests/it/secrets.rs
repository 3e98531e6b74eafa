//! The file of secrets: sealed, this user's alone, whole at any moment, or an error that says why.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use largestack_ports::ids::CountingIds;
use largestack_ports::secrets::Secrets;
use largestack_ports::vault::Sensitive;
use largestack_store::{SecretFile, StoreError};
use largestack_types::error::{Code, Coded};
use largestack_types::scope::Scope;

use crate::fixture::tenant;

const VALUE: &str = "sk-verysecret-0123456789";

fn file(folder: &Path) -> SecretFile {
    SecretFile::new(folder, Arc::new(CountingIds::default()))
}

fn local() -> Scope {
    Scope::local()
}

/// A folder with one secret in it.
fn kept() -> (tempfile::TempDir, SecretFile) {
    let folder = tempfile::tempdir().unwrap();
    let secrets = file(folder.path());
    assert!(!secrets.set(&local(), "openai", Sensitive::new(VALUE)).unwrap());
    (folder, secrets)
}

fn got(secrets: &SecretFile, name: &str) -> Option<String> {
    secrets.get(&local(), name).unwrap().map(|value| value.expose().to_owned())
}

/// What another process, which has opened nothing yet, says of the folder.
fn refused(folder: &Path) -> StoreError {
    let secrets = file(folder);
    let error = secrets.names(&local()).unwrap_err();
    assert!(secrets.get(&local(), "openai").is_err());
    assert!(secrets.set(&local(), "other", Sensitive::new("x")).is_err());
    assert!(secrets.remove(&local(), "openai").is_err());
    assert!(!format!("{error} {error:?}").contains("verysecret"));
    error
}

#[test]
fn a_secret_is_kept_replaced_listed_and_removed() {
    let (folder, secrets) = kept();
    assert_eq!(got(&secrets, "openai").as_deref(), Some(VALUE));
    assert_eq!(got(&secrets, "mistral"), None);
    let other = file(folder.path());
    assert!(other.set(&local(), "openai", Sensitive::new("second")).unwrap());
    assert!(!other.set(&local(), "mistral", Sensitive::new("third")).unwrap());
    assert_eq!(got(&secrets, "openai").as_deref(), Some("second"), "what others wrote is seen");
    assert_eq!(secrets.names(&local()).unwrap(), ["mistral", "openai"]);
    assert!(secrets.remove(&local(), "openai").unwrap());
    assert!(!secrets.remove(&local(), "openai").unwrap());
    assert_eq!((got(&other, "openai"), got(&other, "mistral").as_deref()), (None, Some("third")));
}

#[test]
fn reading_where_nothing_was_ever_kept_finds_nothing_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = file(&folder.path().join("absent"));
    assert_eq!(got(&secrets, "openai"), None);
    assert!(secrets.names(&local()).unwrap().is_empty());
    assert!(!secrets.remove(&local(), "openai").unwrap());
    assert!(!folder.path().join("absent").exists());
}

#[test]
fn a_tenants_secrets_are_its_own() {
    let (_folder, secrets) = kept();
    let other = tenant("other");
    assert!(secrets.get(&other, "openai").unwrap().is_none());
    assert!(secrets.names(&other).unwrap().is_empty());
    assert!(!secrets.remove(&other, "openai").unwrap());
    assert_eq!(got(&secrets, "openai").as_deref(), Some(VALUE));
}

#[test]
fn neither_names_nor_values_stand_in_any_file_or_in_debug() {
    let (folder, secrets) = kept();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(b"verysecret") && !holds(b"openai") && !holds(b"local"));
    }
    assert!(!format!("{secrets:?}").contains("verysecret"));
}

#[cfg(unix)]
#[test]
fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, secrets) = kept();
    for path in [secrets.path(), folder.path().join("secrets.key")] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    fs::set_permissions(folder.path().join("secrets.key"), fs::Permissions::from_mode(0o644))
        .unwrap();
    assert!(refused(folder.path()).to_string().contains("may be read by others"));
}

#[test]
fn a_missing_key_another_one_and_no_key_are_told_apart_and_nothing_is_made_anew() {
    let (folder, _) = kept();
    let key = folder.path().join("secrets.key");
    let good = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let error = refused(folder.path());
    assert!(error.to_string().contains("is gone"), "{error}");
    assert!(!key.exists(), "a new key would hide the loss of the old one");
    for (wrong, says) in
        [("00".repeat(32), "holds another key"), ("no key".to_owned(), "does not hold a key")]
    {
        fs::write(&key, wrong).unwrap();
        private(&key);
        let error = refused(folder.path());
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.code(), Code::Store);
    }
    fs::write(&key, good).unwrap();
    private(&key);
    assert_eq!(got(&file(folder.path()), "openai").as_deref(), Some(VALUE));
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[test]
fn a_file_that_was_changed_cut_or_is_something_else_is_refused_at_every_byte() {
    let (folder, secrets) = kept();
    let good = fs::read(secrets.path()).unwrap();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        fs::write(secrets.path(), changed).unwrap();
        refused(folder.path());
        fs::write(secrets.path(), &good[..at]).unwrap();
        refused(folder.path());
    }
    for (bytes, says) in [
        (&b"{\"openai\": \"sk-verysecret\"}"[..], "is not a file of secrets"),
        (b"largestack secrets 2 0123456789abcdef\nxyz", "newer version"),
    ] {
        fs::write(secrets.path(), bytes).unwrap();
        let error = refused(folder.path());
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.suggestion().contains("secret set"), "{}", error.suggestion());
    }
    fs::write(secrets.path(), &good).unwrap();
    assert_eq!(got(&file(folder.path()), "openai").as_deref(), Some(VALUE));
}

#[test]
fn names_and_values_have_bounds() {
    let (_folder, secrets) = kept();
    let set = |name: &str, value: &str| secrets.set(&local(), name, Sensitive::new(value));
    for name in ["a", "LARGESTACK_X-1.2/b", &"n".repeat(128)] {
        set(name, "v").unwrap();
        assert_eq!(got(&secrets, name).as_deref(), Some("v"));
    }
    for name in ["", "a b", "a\n", "ü", &"n".repeat(129)] {
        assert_eq!(set(name, "v").unwrap_err().code(), Code::Input, "{name}");
    }
    set("long", &"v".repeat(65_536)).unwrap();
    for value in ["", &"v".repeat(65_537)] {
        let error = set("long", value).unwrap_err();
        assert_eq!(error.code(), Code::Input);
        assert!(!error.to_string().contains("vv"), "{error}");
    }
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    const EACH: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let count = EACH.to_string();
    let children: Vec<_> = ["a", "b", "c"]
        .map(|prefix| {
            Command::new(env!("CARGO_BIN_EXE_largestack-store-child"))
                .args(["secrets", folder.path().to_str().unwrap(), prefix, &count])
                .stdin(Stdio::null())
                .spawn()
                .unwrap()
        })
        .into();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let secrets = file(folder.path());
    assert_eq!(secrets.names(&local()).unwrap().len(), 3 * EACH);
    assert_eq!(got(&secrets, "b7").as_deref(), Some("v7"));
}

#[test]
fn a_write_that_was_cut_off_leaves_what_was_there() {
    let (folder, secrets) = kept();
    fs::write(folder.path().join("secrets.new"), "half a fi").unwrap();
    assert_eq!(got(&file(folder.path()), "openai").as_deref(), Some(VALUE));
    secrets.set(&local(), "mistral", Sensitive::new("x")).unwrap();
    assert_eq!(secrets.names(&local()).unwrap(), ["mistral", "openai"]);
}
