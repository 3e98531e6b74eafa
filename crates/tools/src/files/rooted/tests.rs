use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A folder with something in it, beside a secret.
fn ground() -> (TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    fs::write(root.join("a.txt"), "hello").unwrap();
    fs::write(root.join("sub/b.txt"), "world").unwrap();
    fs::write(folder.path().join("secret"), "s3cr3t").unwrap();
    let opened = Root::open(&root, 10).unwrap();
    (folder, opened)
}

#[test]
fn what_is_in_the_folder_is_read_however_the_path_is_written() {
    let (_folder, root) = ground();
    for path in ["a.txt", "./a.txt", "sub/../a.txt", "sub//deep/./../../a.txt"] {
        assert_eq!(root.read(path).unwrap(), "hello", "{path}");
    }
    assert_eq!(root.read("nothing").unwrap_err(), Refused::Missing("nothing".into()));
    assert_eq!(root.read("sub").unwrap_err(), Refused::Kind("sub".into(), "file"));
    assert_eq!(root.read("a.txt/x").unwrap_err(), Refused::Kind("a.txt/x".into(), "folder"));
}

#[test]
fn no_path_and_no_link_leads_outside() {
    let (folder, root) = ground();
    let within = folder.path().join("root");
    let secret = folder.path().join("secret");
    symlink(&secret, within.join("absolute")).unwrap();
    symlink("../secret", within.join("relative")).unwrap();
    symlink("..", within.join("up")).unwrap();
    symlink("sub/../../secret", within.join("winding")).unwrap();
    symlink("loop", within.join("loop")).unwrap();
    symlink("/proc/self/environ", within.join("proc")).unwrap();
    let absolute = secret.display().to_string();
    for path in [
        "../secret",
        "sub/../../secret",
        "absolute",
        "relative",
        "up/secret",
        "winding",
        "loop",
        "proc",
        &absolute,
        "..",
        "a\0b",
    ] {
        assert_eq!(root.read(path).unwrap_err(), Refused::Outside(path.into()));
        assert!(root.write(path, "x", true).is_err(), "{path}");
    }
    assert_eq!(root.list("up").unwrap_err(), Refused::Outside("up".into()));
    assert_eq!(fs::read_to_string(secret).unwrap(), "s3cr3t");
}

#[test]
fn links_within_the_folder_are_followed() {
    let (folder, root) = ground();
    let within = folder.path().join("root");
    symlink("../sub", within.join("sub/again")).unwrap();
    symlink("sub/again/b.txt", within.join("link")).unwrap();
    assert_eq!(root.read("link").unwrap(), "world");
    root.write("link", "new", true).unwrap();
    assert_eq!(fs::read_to_string(within.join("sub/b.txt")).unwrap(), "new");
}

#[test]
fn files_have_a_size_at_most_and_are_text() {
    let (folder, root) = ground();
    let within = folder.path().join("root");
    fs::write(within.join("ten"), "0123456789").unwrap();
    fs::write(within.join("eleven"), "0123456789-").unwrap();
    fs::write(within.join("bytes"), [0xff, 0xfe]).unwrap();
    assert_eq!(root.read("ten").unwrap().len(), 10);
    assert_eq!(root.read("eleven").unwrap_err(), Refused::TooLarge("eleven".into(), 10));
    assert_eq!(root.read("bytes").unwrap_err(), Refused::NotText("bytes".into()));
    root.write("new", "0123456789", false).unwrap();
    let error = root.write("newer", "0123456789-", false).unwrap_err();
    assert_eq!(error, Refused::TooLarge("newer".into(), 10));
    assert!(!within.join("newer").exists());
}

#[test]
fn a_file_is_written_whole_and_replaced_only_when_that_is_said() {
    let (folder, root) = ground();
    let within = folder.path().join("root");
    root.write("x/y/z.txt", "one", false).unwrap();
    // Once more is not once again.
    root.write("x/y/z.txt", "one", false).unwrap();
    let error = root.write("x/y/z.txt", "two", false).unwrap_err();
    assert_eq!(error, Refused::Exists("x/y/z.txt".into()));
    root.write("x/y/z.txt", "two", true).unwrap();
    assert_eq!(fs::read_to_string(within.join("x/y/z.txt")).unwrap(), "two");
    assert!(root.write("sub", "x", true).is_err(), "a folder stays one");
    let names: Vec<_> = root.list("x/y").unwrap().0.into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["z.txt"], "nothing unfinished is left");
}

#[test]
fn a_folder_is_listed_by_name_up_to_a_limit() {
    let (folder, root) = ground();
    let within = folder.path().join("root");
    symlink("a.txt", within.join("link")).unwrap();
    let entry = |name: &str, kind, bytes| Entry { name: name.into(), kind, bytes };
    let all = [
        entry("a.txt", "file", Some(5)),
        entry("link", "link", None),
        entry("sub", "folder", None),
    ];
    assert_eq!(root.list(".").unwrap(), (all.to_vec(), false));
    let many = within.join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..crate::files::MAX_ENTRIES {
        fs::write(many.join(n.to_string()), "").unwrap();
    }
    assert!(!root.list("many").unwrap().1);
    fs::write(many.join("one more"), "").unwrap();
    let (listed, more) = root.list("many").unwrap();
    assert_eq!((listed.len(), more), (crate::files::MAX_ENTRIES, true));
}

#[test]
fn a_pipe_keeps_nobody_waiting() {
    let (folder, root) = ground();
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    let pipe = folder.path().join("root/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_eq!(root.read("pipe").unwrap_err(), Refused::Kind("pipe".into(), "file"));
}
