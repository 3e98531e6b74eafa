//! The crash matrix: a process dies with SIGKILL at every point of a run, and the run that is taken
//! up by another one ends as if nothing had happened.
//!
//! A point is before an append, behind it and once it is on disk, before and behind each effect and
//! each call of a model, and where a run waits for an answer or has been given one. The child is
//! this test binary, started again with the test `child` as its filter. It runs on the real
//! composition over a real store; only the models are scripted, and its effects leave their traces in
//! a file outside of the store. Every second process that takes a run up is killed as well, at a
//! point that a seed says.
//!
//! A scene with more points than are tried (see [`MOST`]) is tried at some that a seed says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use futures::future::join_all;
use largestack::Money;
use largestack_ports::ledger::{BudgetKey, BudgetLimits};
use largestack_testkit::Dice;
use largestack_testkit::services::{self, Database};

mod chaos;
mod drive;
mod follow;
mod fuse;
mod look;
mod paused;
mod scenes;
mod world;

use drive::{note_unrecorded, to_its_end};
use fuse::Fuse;
use look::{look, same_effects};
use world::{ASKED, Place, World, lines};

/// How a child is told what to do: `<folder> <scene> <point> <server> <how>`, with 0 for no point, `-`
/// for no server, and a way: it is to `die` at the point or to `stop`, or comes `after` one that stopped.
const ORDER: &str = "LARGESTACK_TEST_CRASH";

/// How long a server waits for a sign of life: whose connection is gone is dead before.
const LEASE: Duration = Duration::from_secs(30);

/// Points that are tried of one scene, in SQLite and in Postgres.
const MOST: [usize; 2] = [60, 12];

/// Does nothing unless it was started by a test below.
#[test]
#[expect(clippy::disallowed_methods, reason = "the parent gives its orders in the environment")]
fn child() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let words: Vec<&str> = order.split(' ').collect();
    let [folder, scene, at, server, how] = words[..] else { panic!("{order}") };
    let server = (server != "-").then(|| server.to_owned());
    let lease = if how == "die" { LEASE } else { paused::LEASE };
    let place = Place { folder: PathBuf::from(folder), server, lease };
    let at = at.parse().unwrap();
    let fuse = if how == "stop" { Fuse::stopping(at) } else { Fuse::new(at) };
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let scene = scenes::scene(scene);
        let mut world = World::open(place, scene.models, fuse).await;
        world.careful = how == "after";
        world.crowded = scene.name == scenes::CROWD.name;
        let limits = BudgetLimits::total(Some(Money::from_nanos(1_000_000_000_000)));
        let key = BudgetKey::tenant(&world.scope);
        world.runtime.ledger.set_limits(&key, limits).await.unwrap();
        if !world.crowded {
            note_unrecorded(&world).await;
        }
        let subjects = (scene.subjects)(&world);
        if world.crowded {
            join_all(subjects.iter().map(|subject| to_its_end(&world, subject))).await;
        } else {
            for subject in &subjects {
                to_its_end(&world, subject).await;
            }
        }
        println!("points={}", world.fuse.passed());
    });
}

/// A process that does something of its own at a point.
fn ordered(place: &Place, scene: &str, at: usize, how: &str) -> Command {
    let server = place.server.as_deref().unwrap_or("-");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["crash::child", "--exact", "--nocapture"])
        .env(ORDER, format!("{} {scene} {at} {server} {how}", place.folder.display()));
    command
}

/// Starts a process that dies at a point.
fn start(place: &Place, scene: &str, at: usize) -> (ExitStatus, String) {
    let output = ordered(place, scene, at, "die").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status, String::from_utf8(said).unwrap())
}

/// Whether it was killed. Anything else but success is a failure of the test.
fn was_killed((status, output): &(ExitStatus, String), what: &str) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    assert!(status.success() || status.signal() == Some(9), "{what}: {output}");
    !status.success()
}

fn said(output: &str, what: &str) -> String {
    let found = output.lines().find_map(|line| line.split_once(&format!("{what}=")));
    found.unwrap_or_else(|| panic!("no {what} in {output}")).1.to_owned()
}

/// A folder in memory where there is one: what dies here are processes, not the machine below them.
fn root() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn fresh(root: &Path, name: &str, server: Option<&str>) -> Place {
    let folder = root.join(name);
    std::fs::create_dir(&folder).unwrap();
    Place { folder, server: server.map(str::to_owned), lease: LEASE }
}

/// The points of a scene that are tried, in order.
fn tried(points: usize, most: usize, dice: &mut Dice) -> BTreeSet<usize> {
    if points <= most {
        return (1..=points).collect();
    }
    let mut tried = BTreeSet::new();
    while tried.len() < most {
        tried.insert(one_of(points, dice));
    }
    tried
}

/// A number from 1.
fn one_of(points: usize, dice: &mut Dice) -> usize {
    usize::try_from(dice.up_to(i64::try_from(points).unwrap() - 1)).unwrap() + 1
}

fn killed_anywhere(scene: &str, root: &Path, server: Option<&str>) {
    let whole = fresh(root, &format!("{scene}-whole"), server);
    let first = start(&whole, scene, 0);
    assert!(!was_killed(&first, scene), "{scene}");
    let points: usize = said(&first.1, "points").parse().unwrap();
    let expected = look(&whole);
    let asked = lines(&whole.folder.join(ASKED)).len();
    let mut dice = Dice::new(scene.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte)));
    let tried = tried(points, MOST[usize::from(server.is_some())], &mut dice);
    println!("{scene}: {points} points, {} of them tried", tried.len());
    let mut killed = 0;
    for at in &tried {
        let what = format!("{scene} at {at}");
        let place = fresh(root, &format!("{scene}-at-{at}"), server);
        let follower = (scene == "stream").then(|| follow::follow(place.clone()));
        killed += usize::from(was_killed(&start(&place, scene, *at), &what));
        if dice.up_to(1) == 0 {
            was_killed(&start(&place, scene, one_of(points, &mut dice)), &what);
        }
        let before = lines(&place.folder.join(ASKED)).len();
        let last = start(&place, scene, 0);
        assert!(!was_killed(&last, &what), "{what}");
        let known: usize = said(&last.1, "known").parse().unwrap();
        let again = lines(&place.folder.join(ASKED)).len() - before;
        assert_eq!(known + again, asked, "{what}: an answer that is on record was paid again");
        look(&place).told(&place).is(expected.clone(), &what);
        same_effects(&place, &whole);
        if let Some(follower) = follower {
            assert_eq!(follower.join().unwrap(), follow::on_record(&place), "{what}");
        }
        std::fs::remove_dir_all(&place.folder).unwrap();
    }
    // Where things happen side by side, their order may differ, and so may the last points.
    assert!(killed * 10 >= tried.len() * 9, "{scene}: only {killed} processes died");
}

#[test]
fn a_run_with_tools_of_both_kinds_killed_at_any_point_ends_as_if_nothing_had_happened() {
    killed_anywhere("tools", root().path(), None);
}

#[test]
fn a_run_that_asks_killed_at_any_point_ends_as_if_nothing_had_happened() {
    killed_anywhere("approval", root().path(), None);
}

#[test]
fn tools_side_by_side_killed_at_any_point_happen_once_or_are_reported() {
    killed_anywhere("parallel", root().path(), None);
}

#[test]
fn a_tree_of_agents_killed_at_any_point_ends_as_if_nothing_had_happened() {
    killed_anywhere("tree", root().path(), None);
}

#[test]
fn a_run_that_another_agent_takes_over_killed_at_any_point_ends_the_same() {
    killed_anywhere("fallback", root().path(), None);
}

#[test]
fn a_run_that_its_budget_ends_killed_at_any_point_is_ended_by_it_still() {
    killed_anywhere("budget", root().path(), None);
}

#[test]
fn a_conversation_killed_at_any_point_remembers_each_run_once() {
    killed_anywhere("session", root().path(), None);
}

#[test]
fn branches_killed_at_any_point_join_as_if_nothing_had_happened() {
    killed_anywhere("branches", root().path(), None);
}

#[test]
fn a_map_killed_at_any_point_has_every_element_once() {
    killed_anywhere("map", root().path(), None);
}

#[test]
fn retries_killed_at_any_point_are_counted_on() {
    killed_anywhere("retries", root().path(), None);
}

#[test]
fn a_saga_killed_at_any_point_undoes_each_step_once() {
    killed_anywhere("saga", root().path(), None);
}

#[test]
fn a_person_a_pause_and_an_event_are_waited_for_over_any_kill() {
    killed_anywhere("waits", root().path(), None);
}

#[test]
fn an_agent_that_waits_for_events_and_moments_hears_each_once_over_any_kill() {
    killed_anywhere("listens", root().path(), None);
}

#[test]
fn a_follower_in_another_process_misses_nothing_whoever_is_killed() {
    killed_anywhere("stream", root().path(), None);
}

#[test]
fn a_workflow_in_a_workflow_killed_at_any_point_ends_as_if_nothing_had_happened() {
    killed_anywhere("nested", root().path(), None);
}

/// On a server each scene is tried at fewer points: it hears of a death when it next looks, and who
/// comes next takes the runs over then.
#[test]
fn every_scene_killed_on_a_server_is_taken_over_by_another_process() {
    let Some(server) = services::postgres() else { return };
    let database = Database::new(&server, "largestack_crash");
    let root = root();
    let (url, folder) = (&database.url(), root.path());
    // Most of the time is spent waiting for the server: several scenes at once.
    std::thread::scope(|threads| {
        for scenes in scenes::SCENES.chunks(4) {
            threads.spawn(move || {
                for scene in scenes {
                    killed_anywhere(scene.name, folder, Some(url));
                }
            });
        }
    });
}
