//! A process that stands still past its lease and is woken when another one has ended its run: what it
//! had begun may still happen, once; what it writes is refused.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use largestack_testkit::Dice;
use largestack_testkit::services::{self, Database};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::look::{look, same_effects};
use super::{fresh, one_of, ordered, root, said, start, was_killed};

/// How long a process may stand still.
pub(super) const LEASE: Duration = Duration::from_secs(1);

/// Points at which the process of each scene stands still.
const POINTS: usize = 4;

fn paused(scene: &str, root: &Path, server: &str) {
    let whole = fresh(root, &format!("{scene}-whole"), Some(server));
    let first = start(&whole, scene, 0);
    assert!(!was_killed(&first, scene));
    let points: usize = said(&first.1, "points").parse().unwrap();
    let expected = look(&whole);
    let mut dice = Dice::new(scene.len() as u64);
    for round in 0..POINTS {
        let at = one_of(points, &mut dice);
        let place = fresh(root, &format!("{scene}-paused-{round}"), Some(server));
        let mut command = ordered(&place, scene, at, "stop");
        let mut stopped = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_child(&stopped);
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{scene} at {at}: {status:?}");
        let next = ordered(&place, scene, 0, "after").output().unwrap();
        let heard = String::from_utf8([next.stdout, next.stderr].concat()).unwrap();
        assert!(next.status.success(), "{scene} at {at}: {heard}");
        kill_process(pid, Signal::CONT).unwrap();
        // Whether it had anything left to write or not: nothing of that is in what is looked at.
        let _ended = stopped.wait().unwrap();
        look(&place).told(&place).is(expected.clone(), &format!("{scene} at {at}"));
        same_effects(&place, &whole);
    }
}

#[test]
fn a_process_that_is_woken_past_its_lease_repeats_nothing_and_loses_nothing() {
    let Some(server) = services::postgres() else { return };
    let database = Database::new(&server, "largestack_paused");
    let (root, url) = (root(), &database.url());
    let folder = root.path();
    std::thread::scope(|threads| {
        for scene in ["tools", "parallel", "tree", "branches"] {
            threads.spawn(move || paused(scene, folder, url));
        }
    });
}
