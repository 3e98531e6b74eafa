//! Which layer each node is in, and in which order they stand there.

use super::{Link, Slot};

/// How often the layers are put in order anew.
const SWEEPS: usize = 24;

/// By link: whether it leads back to a node that led to it. Without those there is no circle.
pub(super) fn backwards(nodes: usize, links: &[Link]) -> Vec<bool> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (at, link) in links.iter().enumerate() {
        out[link.from].push(at);
    }
    let mut back = vec![false; links.len()];
    // 0: not seen, 1: on the path, 2: done.
    let mut seen = vec![0_u8; nodes];
    // Whoever nobody leads to comes first: a loop is cut where it comes back, not where it begins.
    let mut led = vec![false; nodes];
    for link in links {
        led[link.to] = true;
    }
    let free = (0..nodes).filter(|node| !led[*node]);
    let starts: Vec<usize> = free.chain(0..nodes).collect();
    for start in starts {
        if seen[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0)];
        seen[start] = 1;
        while let Some((node, next)) = path.pop() {
            let Some(link) = out[node].get(next) else {
                seen[node] = 2;
                continue;
            };
            path.push((node, next + 1));
            let to = links[*link].to;
            match seen[to] {
                0 => {
                    seen[to] = 1;
                    path.push((to, 0));
                }
                1 => back[*link] = true,
                _ => {}
            }
        }
    }
    back
}

/// By node: its layer among nodes. No layer has more of them than `cap`.
pub(super) fn ranks(nodes: usize, (links, back): (&[Link], &[bool]), cap: usize) -> Vec<usize> {
    let forward = || links.iter().zip(back).filter(|(link, _)| link.from != link.to);
    let ends = |(link, back): (&Link, &bool)| {
        if *back { (link.to, link.from) } else { (link.from, link.to) }
    };
    let mut missing = vec![0_usize; nodes];
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for pair in forward() {
        let (above, below) = ends(pair);
        missing[below] += 1;
        out[above].push(below);
    }
    let mut rank = vec![0_usize; nodes];
    let mut full: Vec<usize> = Vec::new();
    let mut open: std::collections::VecDeque<usize> =
        (0..nodes).filter(|node| missing[*node] == 0).collect();
    while let Some(node) = open.pop_front() {
        let mut at = rank[node];
        while full.get(at).is_some_and(|count| *count >= cap) {
            at += 1;
        }
        if full.len() <= at {
            full.resize(at + 1, 0);
        }
        full[at] += 1;
        rank[node] = at;
        for below in &out[node] {
            rank[*below] = rank[*below].max(at + 1);
            missing[*below] -= 1;
            if missing[*below] == 0 {
                open.push_back(*below);
            }
        }
    }
    rank
}

/// The slots by layer, in an order in which few links cross.
pub(super) fn layers(slots: &[Slot]) -> Vec<Vec<usize>> {
    let count = slots.iter().map(|slot| slot.layer + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, slot) in slots.iter().enumerate() {
        layers[slot.layer].push(at);
    }
    let mut place = vec![0.0_f64; slots.len()];
    let note = |layer: &[usize], place: &mut Vec<f64>| {
        let mut at = 0.0;
        for slot in layer {
            place[*slot] = at;
            at += 1.0;
        }
    };
    for layer in &layers {
        note(layer, &mut place);
    }
    let mut best = (crossings(slots, &layers, &place), layers.clone());
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let order: Vec<usize> =
            if down { (1..count).collect() } else { (0..count.saturating_sub(1)).rev().collect() };
        for at in order {
            let mut keyed: Vec<(f64, usize)> = layers[at]
                .iter()
                .map(|slot| {
                    let beside = if down { &slots[*slot].up } else { &slots[*slot].down };
                    (middle(beside, &place).unwrap_or(place[*slot]), *slot)
                })
                .collect();
            // Stable: what has the same middle stays as it stood.
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            layers[at] = keyed.into_iter().map(|(_, slot)| slot).collect();
            note(&layers[at], &mut place);
        }
        let crossed = crossings(slots, &layers, &place);
        if crossed < best.0 {
            best = (crossed, layers.clone());
        }
        if best.0 == 0 {
            break;
        }
    }
    best.1
}

/// The middle of some places.
pub(super) fn middle(of: &[usize], place: &[f64]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for slot in of {
        sum += place[*slot];
        count += 1.0;
    }
    (count > 0.0).then(|| sum / count)
}

/// How many links cross between one layer and the next.
fn crossings(slots: &[Slot], layers: &[Vec<usize>], place: &[f64]) -> usize {
    let mut crossed = 0;
    for layer in layers {
        let mut ends: Vec<(f64, f64)> = layer
            .iter()
            .flat_map(|slot| slots[*slot].down.iter().map(|below| (place[*slot], place[*below])))
            .collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        for (at, one) in ends.iter().enumerate() {
            crossed += ends.iter().skip(at + 1).filter(|other| other.1 < one.1).count();
        }
    }
    crossed
}
