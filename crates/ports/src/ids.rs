//! Randomness, and the ids made of it.

use std::sync::atomic::{AtomicU64, Ordering};

use largestack_types::id::{ApprovalId, OwnerId, ReservationId, RunId, SessionId};
use largestack_types::time::Timestamp;

/// A source of random bytes.
pub trait Ids: Send + Sync + 'static {
    /// Fills the buffer with random bytes, fit for keys and tokens.
    fn fill(&self, bytes: &mut [u8]);
}

macro_rules! makers {
    ($($(#[$doc:meta])* $name:ident -> $id:ident;)+) => {
        /// Makes ids from a source of randomness and the moment.
        pub trait MakeId: Ids {
            $($(#[$doc])*
            fn $name(&self, now: Timestamp) -> $id {
                let mut random = [0; 10];
                self.fill(&mut random);
                $id::new(u64::try_from(now.micros() / 1_000).unwrap_or(0), random)
            })+
        }
    };
}

makers! {
    /// A new run id.
    run_id -> RunId;
    /// A new approval id.
    approval_id -> ApprovalId;
    /// A new session id.
    session_id -> SessionId;
    /// A new reservation id.
    reservation_id -> ReservationId;
    /// A new owner id.
    owner_id -> OwnerId;
}

impl<T: Ids + ?Sized> MakeId for T {}

/// Counts instead of drawing lots: for tests, so that output can be compared.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        bytes.fill(0);
        for (byte, digit) in bytes.iter_mut().rev().zip(count.to_le_bytes()) {
            *byte = digit;
        }
    }
}
