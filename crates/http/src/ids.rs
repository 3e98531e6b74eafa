//! The operating system's randomness.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use largestack_ports::ids::Ids;
use largestack_types::errors::{Code, LargestackError, Result};

/// Bytes drawn at a time. A call of the system costs as much as everything else about an id.
const DRAWN: usize = 512;

/// Random bytes of the operating system, fit for keys and tokens. They are drawn some hundred at a
/// time and given out once: what was given out is wiped from where it was kept.
#[derive(Clone, Debug)]
pub struct OsIds(Arc<Mutex<Drawn>>);

/// Bytes that nobody has been given yet.
struct Drawn {
    bytes: [u8; DRAWN],
    /// Those before it are given out.
    next: usize,
    /// The process that drew them: a copy of it, made by a fork, must not give out the same.
    process: u32,
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drawn")
    }
}

/// Waits where the source fails for a moment: it has worked before, and nothing predictable may
/// take its place.
fn draw(bytes: &mut [u8]) {
    while getrandom::fill(bytes).is_err() {
        std::thread::yield_now();
    }
}

impl OsIds {
    /// Draws once, to know that there is randomness: `LARGESTACK_UNKNOWN` when there is none.
    pub fn new() -> Result<Self> {
        let mut bytes = [0; DRAWN];
        getrandom::fill(&mut bytes).map_err(|error| {
            LargestackError::other(Code::Unknown, format!("the system has no randomness: {error}"))
        })?;
        Ok(Self(Arc::new(Mutex::new(Drawn { bytes, next: 0, process: std::process::id() }))))
    }
}

impl Ids for OsIds {
    fn fill(&self, bytes: &mut [u8]) {
        // Never poisoned half-way: bytes are wiped before the next are looked for.
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if bytes.len() > DRAWN - drawn.next || process != drawn.process {
            if bytes.len() > DRAWN / 4 {
                return draw(bytes);
            }
            draw(&mut drawn.bytes);
            (drawn.next, drawn.process) = (0, process);
        }
        let Drawn { bytes: kept, next, .. } = &mut *drawn;
        let fresh = kept.iter_mut().skip(*next);
        for (given, kept) in bytes.iter_mut().zip(fresh) {
            *given = std::mem::take(kept);
        }
        *next += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use largestack_ports::ids::MakeId;
    use largestack_types::time::Timestamp;

    use super::*;

    #[test]
    fn two_ids_of_one_moment_differ() {
        let ids = OsIds::new().unwrap();
        let now = Timestamp::from_micros(1);
        assert_ne!(ids.run_id(now), ids.run_id(now));
    }

    #[test]
    fn what_another_process_drew_is_not_given_out() {
        let ids = OsIds::new().unwrap();
        let before = {
            let mut drawn = ids.0.lock().unwrap();
            drawn.process = drawn.process.wrapping_add(1);
            drawn.bytes
        };
        let mut bytes = [0; 16];
        ids.fill(&mut bytes);
        assert!(before.as_chunks::<16>().0.iter().all(|drawn| *drawn != bytes));
    }

    #[test]
    fn no_byte_is_given_out_twice_whatever_the_sizes() {
        let ids = OsIds::new().unwrap();
        let mut seen = std::collections::HashSet::new();
        for size in (8..200).step_by(3).cycle().take(500) {
            let mut bytes = vec![0; size];
            ids.clone().fill(&mut bytes);
            // Eight random bytes are not met again in a few thousand draws.
            for word in bytes.as_chunks::<8>().0 {
                assert_ne!(*word, [0; 8]);
                assert!(seen.insert(*word));
            }
        }
        let drawn = ids.0.lock().unwrap();
        assert!(drawn.bytes[..drawn.next].iter().all(|byte| *byte == 0));
    }
}
