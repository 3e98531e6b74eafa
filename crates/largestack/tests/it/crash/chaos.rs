//! Two processes drive the same fifty runs on one store and are killed again and again, whenever so
//! many effects have happened as dice say; each time another one takes its place.

use std::process::{Child, Stdio};
use std::time::Duration;

use largestack_testkit::Dice;
use largestack_testkit::services::{self, Database};

use super::look::{look, same_effects};
use super::scenes::CROWD;
use super::world::{Place, WITNESS, lines};
use super::{fresh, one_of, ordered, root, start, was_killed};

/// Processes that are killed.
const DEATHS: usize = 20;

fn process(place: &Place) -> Child {
    ordered(place, CROWD.name, 0, "die")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn happened(place: &Place) -> usize {
    lines(&place.folder.join(WITNESS)).len()
}

fn killed_at_random(server: Option<&str>) {
    let root = root();
    let whole = fresh(root.path(), "whole", server);
    assert!(!was_killed(&start(&whole, CROWD.name, 0), "whole"));
    let expected = look(&whole);
    assert_eq!(expected.ends.len(), 50);

    let place = fresh(root.path(), "chaos", server);
    let mut dice = Dice::new(20);
    let mut processes = [process(&place), process(&place)];
    let most = happened(&whole) / DEATHS;
    let (mut deaths, mut ended) = (0, false);
    while deaths < DEATHS && !ended {
        let until = happened(&place) + one_of(most, &mut dice);
        while happened(&place) < until && !ended {
            std::thread::sleep(Duration::from_millis(1));
            ended = processes.iter_mut().any(|process| process.try_wait().unwrap().is_some());
        }
        let victim = &mut processes[one_of(2, &mut dice) - 1];
        victim.kill().unwrap();
        victim.wait().unwrap();
        *victim = process(&place);
        deaths += 1;
    }
    for process in &mut processes {
        assert!(process.wait().unwrap().success());
    }
    assert!(deaths > DEATHS / 2, "all was done before anybody died: {deaths} deaths");
    look(&place).told(&place).is(expected, "chaos");
    same_effects(&place, &whole);
}

#[test]
fn fifty_runs_at_once_under_processes_that_die_at_random_end_as_if_nothing_had_happened() {
    killed_at_random(None);
}

#[test]
fn fifty_runs_at_once_on_a_server_survive_processes_that_die_at_random() {
    let Some(server) = services::postgres() else { return };
    let database = Database::new(&server, "largestack_chaos");
    killed_at_random(Some(&database.url()));
}
