//! What a confined command is for still works.

use largestack_ports::vault::Sensitive;

use super::place::{Place, told};

#[tokio::test]
async fn it_reads_and_writes_in_its_folder_and_runs_the_systems_programs() {
    let Some(place) = Place::new().await else { return };
    std::fs::write(place.work.join("a"), "one\n").unwrap();
    let said = place
        .sh("cat a; echo two >> a; mkdir -p d/e; mv a d/e/b; chmod 755 d/e/b; touch d/e/b; ls d/e; pwd")
        .await;
    assert_eq!(said, format!("one\nb\n{}\n", place.work.display()));
    assert_eq!(std::fs::read_to_string(place.work.join("d/e/b")).unwrap(), "one\ntwo\n");
    // A pipe, a job beside it, a temporary file, a pattern.
    let said =
        place.sh("seq 3 | tac > $TMPDIR/t & wait; sort $TMPDIR/t | tr '\\n' ' '; echo *").await;
    assert_eq!(said, "1 2 3 d\n");
}

#[tokio::test]
async fn it_hears_says_and_ends_as_if_nobody_stood_between() {
    let Some(place) = Place::new().await else { return };
    let mut command = place.command("/bin/sh", &["-c", "cat; echo oh >&2; exit 7"]);
    command.input = bytes::Bytes::from_static(b"heard");
    let ended = place.run(command).await.unwrap();
    assert_eq!((ended.code, ended.signal), (Some(7), None));
    assert_eq!((&*ended.output, &*ended.errors), (&b"heard"[..], &b"oh\n"[..]));
    let ended = place.run(place.command("/bin/sh", &["-c", "kill -9 $$"])).await.unwrap();
    assert_eq!((ended.code, ended.signal), (None, Some(9)));
    let mut long = place.command("/bin/sh", &["-c", "printf 0123456789"]);
    long.limits.output = 9;
    assert!(told(place.run(long).await).contains("more than 9 bytes"));
}

#[tokio::test]
async fn what_cannot_be_started_is_told_from_what_cannot_be_confined() {
    let Some(place) = Place::new().await else { return };
    let none = told(place.run(place.command("/nowhere/at/all", &[])).await);
    assert!(none.contains("cannot be started"), "{none}");
    let text = place.work.join("text");
    std::fs::write(&text, "no program").unwrap();
    let no_program = told(place.run(place.command(text.to_str().unwrap(), &[])).await);
    assert!(no_program.contains("cannot be started"), "{no_program}");
    let mut command = place.command("/bin/true", &[]);
    let largestack_ports::command::Sandbox::Confined(confinement) = &mut command.sandbox else {
        panic!("it is confined")
    };
    confinement.reads.push("/nowhere/at/all".into());
    let unconfined = told(place.run(command).await);
    assert!(unconfined.contains("cannot be confined: /nowhere/at/all"), "{unconfined}");
}

#[tokio::test]
async fn a_program_of_ones_own_runs_and_reads_what_is_named_and_does_not_change_it() {
    let Some(mut place) = Place::new().await else { return };
    let tool = place.outside.join("tool");
    std::fs::write(&tool, "#!/bin/sh\ncat \"$1\"; echo more >> \"$1\"").unwrap();
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let witness = place.outside.join("witness");
    let mut command = place.command(tool.to_str().unwrap(), &[witness.to_str().unwrap()]);
    let said = told(place.run(command.clone()).await);
    assert!(said.contains("No such file"), "{said}");
    let largestack_ports::command::Sandbox::Confined(confinement) = &mut command.sandbox else {
        panic!("it is confined")
    };
    confinement.reads.push(place.outside.clone());
    let said = told(place.run(command.clone()).await);
    assert!(said.contains("untouched") && said.contains("Read-only"), "{said}");
    // What is hidden is empty, also where it could be read.
    place.processes = place.processes.clone().hiding(&witness);
    let said = told(place.run(command).await);
    assert!(!said.contains("untouched"), "{said}");
    std::fs::remove_file(tool).unwrap();
    place.untouched();
}

#[tokio::test]
async fn the_folder_that_it_runs_in_it_may_read() {
    let Some(place) = Place::new().await else { return };
    std::fs::write(place.work.join("a"), "one\n").unwrap();
    let mut command = place.command("/bin/sh", &["-c", "cat a; echo two >> a"]);
    command.sandbox = largestack_ports::command::Sandbox::default();
    let said = told(place.run(command).await);
    assert!(said.contains("one") && said.contains("Read-only"), "{said}");
}

#[tokio::test]
async fn its_environment_is_what_it_is_given_and_a_folder_for_temporary_files() {
    let Some(place) = Place::new().await else { return };
    assert_eq!(told(place.run(place.command("/usr/bin/env", &[])).await), "TMPDIR=/tmp\n");
    let mut command = place.command("/usr/bin/env", &[]);
    command.environment = vec![("ONE".to_owned(), Sensitive::new("1"))];
    assert_eq!(told(place.run(command).await), "ONE=1\nTMPDIR=/tmp\n");
    // The folder is its own: what one leaves there nobody finds.
    assert_eq!(place.sh("echo mine > /tmp/left; cat /tmp/left").await, "mine\n");
    assert_eq!(place.sh("ls -A /tmp").await, "");
}
