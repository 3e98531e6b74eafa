//! What is the machine's and can be reached keeps its mode, times and owner, and the machine its limits.
//! Changes are first tried to what is there already, which does no harm where they succeed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use largestack_ports::command::{Command, Sandbox};
use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

use super::place::{Place, told};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

/// Puts a mode back that has been changed after all.
struct Restored(PathBuf, u32);

impl Drop for Restored {
    fn drop(&mut self) {
        if mode(&self.0) != self.1 {
            std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(self.1)).unwrap();
        }
    }
}

#[tokio::test]
async fn devices_are_used_and_not_changed() {
    let Some(place) = Place::new().await else { return };
    for device in ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"] {
        let kept = Restored(device.into(), mode(Path::new(device)));
        for script in [
            format!("chmod {:o} {device}", kept.1),
            format!("touch -c {device}"),
            format!("chmod 000 {device}"),
        ] {
            let said = place.sh(&script).await;
            assert!(said.starts_with('[') && said.contains("Read-only"), "{script}: {said}");
        }
        assert_eq!(mode(&kept.0), kept.1);
    }
    let used = "echo x > /dev/null && cat /dev/null && head -c 3 /dev/zero | wc -c";
    assert_eq!(place.sh(used).await, "3\n");
}

#[tokio::test]
async fn a_hidden_file_does_not_lead_to_the_device_that_hides_it() {
    let Some(mut place) = Place::new().await else { return };
    std::fs::write(place.work.join("secret"), "secret").unwrap();
    place.processes = place.processes.clone().hiding(place.work.join("secret"));
    let kept = Restored("/dev/null".into(), mode(Path::new("/dev/null")));
    let said = place.sh(&format!("chmod {:o} secret", kept.1)).await;
    assert!(said.starts_with('[') && said.contains("Read-only"), "{said}");
    assert_eq!(place.sh("cat secret").await, "");
}

#[tokio::test]
async fn the_first_process_leads_to_no_file_of_the_machines() {
    let Some(place) = Place::new().await else { return };
    let program = Path::new(env!("CARGO_BIN_EXE_largestack-confine"));
    let kept = Restored(program.into(), mode(program));
    for script in [
        format!("chmod {:o} /proc/1/exe", kept.1),
        "cat /proc/1/exe > /dev/null".to_owned(),
        "cat /proc/1/fd/3 > /dev/null".to_owned(),
        "ls /proc/1/root/".to_owned(),
    ] {
        let said = place.sh(&script).await;
        assert!(said.starts_with('[') && said.contains("ermission denied"), "{script}: {said}");
    }
}

#[tokio::test]
async fn the_number_of_processes_of_the_machine_stays() {
    let Some(mut place) = Place::new().await else { return };
    let most = || std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    let before = most();
    place.limits.processes = 50;
    assert_eq!(place.sh("echo ran").await, "ran\n");
    assert_eq!(most(), before);
}

/// A command that may only read the folder outside.
fn reading(place: &Place, script: &str) -> Command {
    let mut command = place.command("/bin/sh", &["-c", script]);
    let Sandbox::Confined(confinement) = &mut command.sandbox else { panic!("it is confined") };
    confinement.reads.push(place.outside.clone());
    command
}

#[tokio::test]
async fn what_is_mounted_below_a_folder_has_no_more_rights_than_the_folder() {
    let Some(place) = Place::new().await else { return };
    // A namespace of this thread's own, which ends with it.
    if let Err(error) = unshare(CloneFlags::CLONE_NEWNS) {
        largestack_testkit::services::skipped(&format!("nothing is mounted here: {error}"));
        return;
    }
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
    for folder in [&place.outside, &place.work] {
        let below = folder.join("below it");
        std::fs::create_dir(&below).unwrap();
        mount("tmpfs", &below, "tmpfs", MountFlags::NOEXEC, c"mode=755").unwrap();
        let deeper = below.join("deeper");
        std::fs::create_dir(&deeper).unwrap();
        mount("tmpfs", &deeper, "tmpfs", MountFlags::empty(), c"mode=755").unwrap();
        for file in [below.join("file"), deeper.join("file")] {
            std::fs::write(&file, "read").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
    for file in ["below it/file", "below it/deeper/file"] {
        let outside = place.outside.join(file);
        let said = told(place.run(reading(&place, &format!("cat '{}'", outside.display()))).await);
        assert_eq!(said, "read");
        for change in ["chmod 777", "touch -c -d 2001-01-01", "rm"] {
            let script = format!("{change} '{}'", outside.display());
            let said = told(place.run(reading(&place, &script)).await);
            assert!(said.starts_with('[') && said.contains("Read-only"), "{script}: {said}");
        }
        assert_eq!(mode(&outside), 0o644);
        // Where it may write it may write below, too.
        let change = format!("chmod 600 '{file}' && echo more >> '{file}' && cat '{file}'");
        assert_eq!(place.sh(&change).await, "readmore\n");
    }
    let said = place.sh("grep below /proc/self/mountinfo").await;
    assert_eq!(said.lines().filter(|line| line.contains("rw,nosuid,nodev")).count(), 2, "{said}");
}

#[tokio::test]
async fn what_is_to_be_hidden_and_is_not_there_is_a_refusal() {
    let Some(mut place) = Place::new().await else { return };
    let secret = place.work.join("secret");
    let shown = place.processes.clone();
    place.processes = shown.clone().hiding(&secret);
    let said = place.sh("echo ran").await;
    assert!(said.contains("cannot be confined") && said.contains("secret"), "{said}");
    std::os::unix::fs::symlink("nowhere", &secret).unwrap();
    assert!(place.sh("echo ran").await.contains("cannot be confined"));
    std::fs::remove_file(&secret).unwrap();
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("key"), "key").unwrap();
    assert_eq!(place.sh("ls -A secret; echo ran").await, "ran\n");
    // What is nowhere near what is granted is not there anyhow.
    place.processes = shown.hiding(place.outside.join("witness"));
    assert_eq!(place.sh("echo ran").await, "ran\n");
}
