//! The operating system's randomness.

use largestack_ports::ids::Ids;
use largestack_types::errors::{Code, LargestackError, Result};

/// Random bytes of the operating system, fit for keys and tokens.
#[derive(Clone, Copy, Debug)]
pub struct OsIds(());

impl OsIds {
    /// Draws once, to know that there is randomness: `LARGESTACK_UNKNOWN` when there is none.
    pub fn new() -> Result<Self> {
        let mut probe = [0; 1];
        getrandom::fill(&mut probe).map(|()| Self(())).map_err(|error| {
            LargestackError::other(Code::Unknown, format!("the system has no randomness: {error}"))
        })
    }
}

impl Ids for OsIds {
    /// Waits where the source fails for a moment: it has worked before, and nothing predictable
    /// may take its place.
    fn fill(&self, bytes: &mut [u8]) {
        while getrandom::fill(bytes).is_err() {
            std::thread::yield_now();
        }
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
}
