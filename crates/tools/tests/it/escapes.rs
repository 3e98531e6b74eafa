//! Ways out, each really tried, with a witness outside that would show it. Every one of them first
//! works on a command that is not confined, wherever that does no harm: a test of a lock has to see
//! the door open.

use std::net::TcpListener;
use std::time::Duration;

use largestack_ports::command::{Commands as _, Sandbox};
use largestack_tools::Processes;

use super::place::{Place, told};

/// What the same command comes to that is not confined.
async fn unconfined(place: &Place, program: &str, flag: &str, script: &str) -> String {
    let mut command = place.command(program, &[flag, script]);
    command.sandbox = Sandbox::None;
    told(Processes::default().run(command).await)
}

#[tokio::test]
async fn files_outside_are_not_read() {
    let Some(place) = Place::new().await else { return };
    let outside = place.outside.display();
    let read = format!("cat {outside}/witness");
    assert_eq!(unconfined(&place, "/bin/sh", "-c", &read).await, "untouched");
    for script in [
        read.as_str(),
        "cat ../outside/witness",
        &format!("ln -s {outside}/witness link; cat link"),
        &format!("ln {outside}/witness hard; cat hard"),
        &format!("cat /proc/self/root{outside}/witness"),
        "cat /proc/self/cwd/../outside/witness",
        &format!("cat /proc/1/root{outside}/witness"),
        &format!("ls {outside}"),
        &format!("cd {outside} && cat witness"),
        &format!("test -e {outside}/witness && echo untouched"),
    ] {
        let said = place.sh(script).await;
        assert!(!said.contains("untouched") && !said.starts_with("witness"), "{script}: {said}");
        assert!(said.starts_with('['), "{script}: {said}");
    }
    for file in ["/etc/shadow", "/etc/hostname", "/root", "/home", "/var/log", "/sys", "/dev/mem"] {
        let said = place.sh(&format!("cat {file} || ls {file}")).await;
        // A folder on the way to a program that may run is there, and shows nothing.
        let hidden = said.contains("No such file") || said.contains("Permission denied");
        assert!(said.starts_with('[') && hidden, "{file}: {said}");
    }
}

#[tokio::test]
async fn a_link_that_was_there_before_leads_nowhere() {
    let Some(place) = Place::new().await else { return };
    std::os::unix::fs::symlink(&place.outside, place.work.join("out")).unwrap();
    let said = place.sh("cat out/witness; echo more >> out/witness; echo new > out/new").await;
    assert!(said.starts_with('[') && !said.contains("untouched"), "{said}");
    place.untouched();
}

#[tokio::test]
async fn nothing_outside_is_written_made_removed_or_changed_in_its_rights() {
    let Some(place) = Place::new().await else { return };
    let outside = place.outside.display();
    for script in [
        format!("echo more >> {outside}/witness"),
        format!("echo more > {outside}/new"),
        format!("rm {outside}/witness"),
        format!("mkdir -p {outside}/new"),
        format!("mv {outside}/witness ."),
        format!("chmod 777 {outside}/witness"),
        format!("touch -d 2001-01-01 {outside}/witness"),
        "echo x > /usr/bin/largestack-was-here".to_owned(),
        "echo x > /largestack-was-here".to_owned(),
        "chmod 700 /usr/bin".to_owned(),
        "touch /usr/bin".to_owned(),
        "echo x > /etc/passwd".to_owned(),
        "echo 1 > /proc/sys/kernel/core_pattern".to_owned(),
        "echo h > /proc/sysrq-trigger".to_owned(),
    ] {
        let said = place.sh(&script).await;
        assert!(said.starts_with('['), "{script}: {said}");
    }
    place.untouched();
}

#[tokio::test]
async fn among_everybodys_temporary_files_it_finds_its_folder_alone() {
    let Some(place) = Place::within("/tmp").await else { return };
    let outside = place.outside.display();
    assert_eq!(place.sh("echo new > made; cat made").await, "new\n");
    assert!(place.sh(&format!("cat {outside}/witness")).await.contains("No such file"));
    // What it makes there under the name of somebody else's folder is its own, and gone with it.
    let said =
        place.sh(&format!("mkdir {outside}; echo mine > {outside}/witness && echo ok")).await;
    assert_eq!(said, "ok\n");
    place.untouched();
}

#[tokio::test]
async fn nothing_is_connected_to() {
    let Some(mut place) = Place::new().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!(
        "use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0) or die \"no socket: $!\"; \
connect($s, sockaddr_in({port}, inet_aton('127.0.0.1'))) or die \"no way: $!\"; print 'connected'"
    );
    assert_eq!(unconfined(&place, "/usr/bin/perl", "-e", &connect).await, "connected");
    assert!(listener.accept().is_ok(), "the witness sees whoever comes");
    let said = place.perl(&connect).await;
    assert!(said.contains("no socket: Operation not permitted"), "{said}");
    for family in
        ["PF_INET, SOCK_DGRAM", "PF_INET6, SOCK_STREAM", "PF_UNIX, SOCK_STREAM", "16, SOCK_RAW"]
    {
        let said =
            place.perl(&format!("use Socket; socket(my $s, {family}, 0) or die \"no: $!\"")).await;
        assert!(said.contains("no: Operation not permitted"), "{family}: {said}");
    }
    assert!(listener.accept().is_err(), "nobody came");
    // Whoever is let out by its operator gets there, and to no socket of this machine's own services.
    place.network = true;
    assert_eq!(place.perl(&connect).await, "connected");
    assert!(listener.accept().is_ok());
    let said =
        place.perl("use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die \"no: $!\"").await;
    assert!(said.contains("no: Operation not permitted"), "{said}");
}

#[tokio::test]
async fn nobody_elses_process_is_seen_read_or_signalled() {
    let Some(place) = Place::new().await else { return };
    let own = std::process::id();
    let environ = format!("cat /proc/{own}/environ > /dev/null && echo read");
    assert_eq!(unconfined(&place, "/bin/sh", "-c", &environ).await, "read\n");
    assert!(place.sh(&environ).await.starts_with('['));
    // Of those that it sees each is its own; the first has its own environment.
    let seen = place.sh("echo /proc/[0-9]*").await;
    assert!(seen.split_whitespace().count() <= 4, "{seen}");
    let first = place.sh("tr '\\0' ' ' < /proc/1/environ; echo").await;
    assert!(!first.contains("CARGO"), "{first}");
    for signal in [format!("kill -0 {own}"), format!("kill -TERM {own}")] {
        let said = place.sh(&signal).await;
        assert!(said.contains("No such process"), "{signal}: {said}");
    }
    // Everybody whom it can reach is among its own.
    place.sh("kill -KILL -1").await;
    // The leader of the group that it is in is not in its namespace.
    place.sh("kill -KILL 0").await;
    assert_eq!(place.sh("echo still here").await, "still here\n");
}

/// Numbers of calls that are the same on both processors are few; these are those of x86-64.
#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn calls_that_only_a_system_needs_are_not_there() {
    let Some(place) = Place::new().await else { return };
    for (name, number) in [
        ("mount", libc_number::MOUNT),
        ("umount2", 166),
        ("pivot_root", 155),
        ("unshare", 272),
        ("setns", 308),
        ("ptrace", 101),
        ("process_vm_readv", 310),
        ("bpf", 321),
        ("keyctl", 250),
        ("add_key", 248),
        ("io_uring_setup", 425),
        ("userfaultfd", 323),
        ("perf_event_open", 298),
        ("kexec_load", 246),
        ("init_module", 175),
        ("open_by_handle_at", 304),
        ("clone3", 435),
        ("mount_setattr", 442),
        ("a call of tomorrow", 999),
    ] {
        let said = place
            .perl(&format!("my $r = syscall({number}, 0, 0, 0, 0, 0); print $r, ' ', $!"))
            .await;
        assert_eq!(said, "-1 Function not implemented", "{name}");
    }
    // A new namespace of users, which would have every capability.
    let said =
        place.perl("my $r = syscall(56, 0x10000000 | 17, 0, 0, 0, 0); print $r, ' ', $!").await;
    assert_eq!(said, "-1 Operation not permitted");
    // The calls of the processor's other ways in are ended, or not there.
    let said = place.perl("my $r = syscall(0x40000000 | 101, 0, 0, 0); print $r, ' ', $!").await;
    assert_eq!(said, "-1 Function not implemented");
}

#[cfg(target_arch = "x86_64")]
mod libc_number {
    pub(super) const MOUNT: u16 = 165;
}

#[tokio::test]
async fn it_has_no_rights_by_what_it_is() {
    let Some(place) = Place::new().await else { return };
    let said =
        place.sh("grep -E 'Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp:' /proc/self/status").await;
    for line in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(said.contains(&format!("{line}:\t0000000000000000")), "{said}");
    }
    assert!(said.contains("NoNewPrivs:\t1") && said.contains("Seccomp:\t2"), "{said}");
    assert_ne!(place.sh("id -u").await, "0\n");
}

#[tokio::test]
async fn a_fork_bomb_has_as_many_processes_as_it_may_and_ends() {
    let Some(mut place) = Place::new().await else { return };
    place.limits.processes = 40;
    // Counts how many it gets, each of which waits to be ended.
    let count = "my $n = 0; while ($n < 5000) { my $p = fork; last unless defined $p; \
if ($p == 0) { sleep 3600; exit } $n++ } print $n";
    let said: u32 = place.perl(count).await.parse().unwrap();
    assert!((30..=341).contains(&said), "{said}");
    // The bomb itself: its time is up, and so is everybody's.
    let bomb = place.command("/bin/sh", &["-c", "b() { b | b & }; b; sleep 3600"]);
    let _ = tokio::time::timeout(Duration::from_secs(1), place.run(bomb)).await;
    left_none(&place).await;
}

/// Waits until no process is left that works in the folder.
async fn left_none(place: &Place) {
    loop {
        let all = std::fs::read_dir("/proc").unwrap();
        let links = all.filter_map(|one| std::fs::read_link(one.ok()?.path().join("cwd")).ok());
        if links.filter(|cwd| cwd.starts_with(&place.work)).count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_daemon_ends_with_whoever_set_it_free() {
    let Some(place) = Place::new().await else { return };
    // In a session of its own, without a parent, deaf to everything that one can be deaf to.
    let daemon = "trap '' HUP TERM INT; (setsid sh -c 'trap \"\" HUP TERM INT; while :; do sleep 1; done' \
< /dev/null > /dev/null 2>&1 &) ; echo gone";
    assert_eq!(place.sh(daemon).await, "gone\n");
    left_none(&place).await;
    let running = place.command("/bin/sh", &["-c", &format!("{daemon}; touch ready; sleep 3600")]);
    let mut running = Box::pin(place.run(running));
    while !place.work.join("ready").exists() {
        let _ = tokio::time::timeout(Duration::from_millis(5), &mut running).await;
    }
    drop(running);
    left_none(&place).await;
}

#[tokio::test]
async fn memory_has_an_end() {
    let Some(mut place) = Place::new().await else { return };
    place.limits.memory = Some(256 << 20);
    let take =
        |mebibytes: u32| format!("my $x = 'x' x ({mebibytes} << 20); print length($x) >> 20");
    assert_eq!(place.perl(&take(64)).await, "64");
    assert!(place.perl(&take(512)).await.starts_with('['));
}

#[tokio::test]
async fn processor_time_files_and_disk_have_an_end() {
    let Some(mut place) = Place::new().await else { return };
    place.limits.processor = Some(Duration::from_secs(1));
    let ended = place.run(place.command("/bin/sh", &["-c", "while :; do :; done"])).await.unwrap();
    // SIGXCPU or, at the hard limit, SIGKILL.
    assert!(matches!(ended.signal, Some(24 | 9)), "{ended:?}");
    place.limits.file = 1 << 20;
    let write = |bytes: u32, to: &str| format!("head -c {bytes} /dev/zero > {to} && echo written");
    assert_eq!(place.sh(&write(1 << 20, "fits")).await, "written\n");
    assert!(place.sh(&write((1 << 20) + 1, "more")).await.starts_with('['));
    assert!(std::fs::metadata(place.work.join("more")).unwrap().len() <= 1 << 20);
    let half = write(600 << 10, "/tmp/a");
    assert_eq!(place.sh(&half).await, "written\n");
    let twice = format!("{half}; {}", write(600 << 10, "/tmp/b"));
    assert!(place.sh(&twice).await.contains("No space"));
    place.limits.open_files = 16;
    let open = |count: u32| {
        format!(
            "my @f; for (1..{count}) {{ open(my $f, '<', '/dev/null') or die \"no: $!\"; push @f, $f }} print 'open'"
        )
    };
    assert_eq!(place.perl(&open(8)).await, "open");
    assert!(place.perl(&open(20)).await.contains("Too many open files"));
}

#[tokio::test]
async fn what_this_process_holds_open_is_not_handed_on() {
    let Some(place) = Place::new().await else { return };
    // As a library in C would leave it: open for whoever is started.
    let file = std::fs::File::open(place.outside.join("witness")).unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    let read = format!("cat <&{number}");
    assert_eq!(unconfined(&place, "/bin/bash", "-c", &read).await, "untouched");
    let said = told(place.run(place.command("/bin/bash", &["-c", &read])).await);
    assert!(said.contains("Bad file descriptor"), "{said}");
}
