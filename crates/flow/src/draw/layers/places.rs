//! Where the slots of layers stand: near what they lead to, in their order, with room between them.

use super::order::middle;
use super::{BESIDE, BETWEEN, PASSING, Point, Size, Slot};

/// How often slots are pulled towards what they lead to.
const PULLS: usize = 16;
/// How much more an edge that passes keeps its place than a node: long edges are straight.
const STIFF: f64 = 8.0;

/// By slot: its middle from left to right.
pub(super) fn across(slots: &[Slot], layers: &[Vec<usize>]) -> Vec<f64> {
    let mut xs = vec![0.0; slots.len()];
    for layer in layers {
        let mut x = 0.0;
        for pair in offsets(slots, layer).iter().zip(layer) {
            x += pair.0;
            xs[*pair.1] = x;
        }
        // Every layer begins with its middle in the middle.
        for slot in layer {
            xs[*slot] -= x / 2.0;
        }
    }
    for pull in 0..PULLS {
        let order: Vec<&Vec<usize>> =
            if pull % 2 == 0 { layers.iter().collect() } else { layers.iter().rev().collect() };
        for layer in order {
            let wanted: Vec<(f64, f64)> = layer
                .iter()
                .map(|slot| {
                    let of = &slots[*slot];
                    // Towards both sides, in the end towards what comes before.
                    let both: Vec<usize> = of.up.iter().chain(&of.down).copied().collect();
                    let beside = if pull + 2 < PULLS || of.up.is_empty() { &both } else { &of.up };
                    let weight = if of.passes { STIFF } else { 1.0 };
                    (middle(beside, &xs).unwrap_or(xs[*slot]), weight)
                })
                .collect();
            let placed = apart(&wanted, &offsets(slots, layer));
            for (slot, x) in layer.iter().zip(placed) {
                xs[*slot] = x;
            }
        }
    }
    let left = slots.iter().zip(&xs).map(|(slot, x)| x - slot.size.width / 2.0);
    let left = left.fold(f64::INFINITY, f64::min);
    xs.iter().map(|x| x - left).collect()
}

/// By slot of a layer: how far its middle is from that of the one before.
fn offsets(slots: &[Slot], layer: &[usize]) -> Vec<f64> {
    let mut before: Option<&Slot> = None;
    layer
        .iter()
        .map(|slot| {
            let slot = &slots[*slot];
            let offset = before.map_or(0.0, |before| {
                let gap = if before.passes || slot.passes { PASSING } else { BESIDE };
                f64::midpoint(before.size.width, slot.size.width) + gap
            });
            before = Some(slot);
            offset
        })
        .collect()
}

/// Places as near as can be to those that are wanted, in order and this far apart: the least squares,
/// found by pooling neighbours that are too near (isotonic regression).
fn apart(wanted: &[(f64, f64)], offsets: &[f64]) -> Vec<f64> {
    let mut sums = Vec::with_capacity(offsets.len());
    let mut sum = 0.0;
    for offset in offsets {
        sum += offset;
        sums.push(sum);
    }
    // Each pool: its mean, its weight, how many are in it.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for ((x, weight), offset) in wanted.iter().zip(&sums) {
        let mut pool = (x - offset, *weight, 1);
        while let Some(before) = pools.last().copied().filter(|before| before.0 > pool.0) {
            pools.pop();
            let weight = before.1 + pool.1;
            pool = ((before.0 * before.1 + pool.0 * pool.1) / weight, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    let means = pools.iter().flat_map(|(mean, _, count)| std::iter::repeat_n(*mean, *count));
    means.zip(&sums).map(|(mean, offset)| mean + offset).collect()
}

/// By layer: its middle from top to bottom, and its height.
pub(super) fn down(slots: &[Slot], layers: &[Vec<usize>]) -> Vec<(f64, f64)> {
    let mut y = 0.0;
    let bands = layers.iter().map(|layer| {
        let height = layer.iter().map(|slot| slots[*slot].size.height).fold(0.0, f64::max);
        let middle = y + height / 2.0;
        y += height + BETWEEN;
        (middle, height)
    });
    bands.collect()
}

/// The points that a link passes: it leaves its node, goes straight through each layer, and comes to
/// the other node.
pub(super) fn way(
    (chain, back): (&[usize], bool),
    (from, to): (Size, Size),
    (slots, xs, bands): (&[Slot], &[f64], &[(f64, f64)]),
) -> Vec<Point> {
    let (top, bottom) = if back { (to, from) } else { (from, to) };
    let last = chain.len().saturating_sub(1);
    let mut points = Vec::with_capacity(chain.len() * 2);
    for (at, slot) in chain.iter().enumerate() {
        let (middle, height) = bands[slots[*slot].layer];
        let mut x = xs[*slot];
        let (upper, lower) = (middle - height / 2.0, middle + height / 2.0);
        if at == 0 {
            x += port(&slots[*slot].down, chain.get(1), (top.width, xs));
            points.extend([Point { x, y: middle + top.height / 2.0 }, Point { x, y: lower }]);
        } else if at == last {
            let before = at.checked_sub(1).and_then(|before| chain.get(before));
            x += port(&slots[*slot].up, before, (bottom.width, xs));
            points.extend([Point { x, y: upper }, Point { x, y: middle - bottom.height / 2.0 }]);
        } else {
            points.extend([Point { x, y: upper }, Point { x, y: lower }]);
        }
    }
    if back {
        points.reverse();
    }
    points
}

/// How far from the middle of a node a link leaves or comes: several stand beside one another in the
/// order of what they lead to.
fn port(beside: &[usize], of: Option<&usize>, (width, xs): (f64, &[f64])) -> f64 {
    let mut order: Vec<usize> = beside.to_vec();
    order.sort_by(|one, other| xs[*one].total_cmp(&xs[*other]));
    let count = f64::from(u32::try_from(order.len()).unwrap_or(u32::MAX));
    let at = of.and_then(|of| order.iter().position(|slot| slot == of)).unwrap_or(0);
    let at = f64::from(u32::try_from(at).unwrap_or(u32::MAX));
    let step = (width * 0.6 / count.max(1.0)).min(18.0);
    (at - (count - 1.0) / 2.0) * step
}
