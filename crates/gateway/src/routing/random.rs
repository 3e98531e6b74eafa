//! Lots that fall the same way again: drawn from the run, the effect and the pool, so that a
//! replay of the same call over the same knowledge chooses the same model.

use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, RunId};

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub(super) struct Lots(u64);

impl Lots {
    /// The lots of one decision.
    pub(super) fn of(run: RunId, effect: EffectId, pool: &str) -> Self {
        let effect = effect.ordinal().to_le_bytes();
        Self(Hash::of_all([run.as_bytes().as_slice(), &effect, pool.as_bytes()]).short())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number above 0 and below 1.
    #[expect(clippy::cast_precision_loss, reason = "the upper 53 bits fit a double exactly")]
    pub(super) fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}
