//! What a measurement reads: the wall clock, CPU time of this process and of its finished
//! children.

#[cfg(unix)]
use std::fs;
use std::time::Duration;

use crate::Outcome;

/// Runs something and says how long it took.
pub(crate) fn wall<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Duration)> {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is an edge: it measures real time")]
    let start = std::time::Instant::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}

/// Waits for something and says how long it took.
pub(crate) async fn wall_async<T>(work: impl Future<Output = T>) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is an edge: it measures real time")]
    let start = std::time::Instant::now();
    let result = work.await;
    (result, start.elapsed())
}

/// The CPU time, user and system, that all threads of this process have used, in nanoseconds.
#[cfg(unix)]
pub(crate) fn cpu_so_far() -> u128 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default().as_nanos()
}

/// Runs something and says how much CPU time, user and system, all threads of this process used.
#[cfg(unix)]
pub(crate) fn process_cpu<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Duration)> {
    use rustix::time::{ClockId, clock_gettime};
    let now = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime));
    let start = now()?;
    let result = work()?;
    Ok((result, now()?.saturating_sub(start)))
}

/// CPU time, user and system, of every child that was waited for, and of theirs.
#[cfg(unix)]
pub(crate) fn children_cpu() -> Outcome<Duration> {
    let ticks = parse_children(&fs::read_to_string("/proc/self/stat")?)
        .ok_or("/proc/self/stat has another form than expected")?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_millis(ticks.saturating_mul(1_000) / per_second.max(1)))
}

/// The sum of `cutime` and `cstime`, fields 16 and 17 of proc(5) `stat`. The name of the program,
/// field 2, stands in parentheses and may hold anything.
#[cfg(unix)]
fn parse_children(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Elsewhere nothing is measured.
#[cfg(not(unix))]
pub(crate) fn cpu_so_far() -> u128 {
    0
}

/// Elsewhere nothing is measured.
#[cfg(not(unix))]
pub(crate) fn process_cpu<T>(_: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Duration)> {
    Err("CPU time is measured on Unix only".into())
}

/// Elsewhere nothing is measured.
#[cfg(not(unix))]
pub(crate) fn children_cpu() -> Outcome<Duration> {
    Err("CPU time is measured on Unix only".into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_children_are_found_behind_a_name_with_spaces_and_parentheses() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 340 56 20 0 1";
        assert_eq!(parse_children(stat), Some(396));
        assert_eq!(parse_children("7 (a) S 1 2"), None);
    }

    #[test]
    fn work_uses_cpu_time() {
        let ((), used) = process_cpu(|| {
            let numbers: Vec<u64> = (0..200_000).collect();
            std::hint::black_box(numbers.iter().fold(0_u64, |a, b| a.rotate_left(3) ^ b));
            Ok(())
        })
        .unwrap();
        assert!(used > Duration::ZERO);
    }
}
