//! Where the nodes and edges of a picture stand: in layers from top to bottom, by the method of
//! Sugiyama, Tagawa and Toda (1981). Words on edges have places of their own between the layers of
//! nodes, and an edge passes a layer in a place of its own, so that no text meets another or a line.

#![expect(
    clippy::indexing_slicing,
    reason = "every index was made here, for a list of the same length"
)]

mod order;
mod places;

/// Between what stands beside one another in a layer.
const BESIDE: f64 = 28.0;
/// The same where one of both is only an edge that passes.
const PASSING: f64 = 14.0;
/// Between one layer and the next: half of what is between nodes, since words have layers too.
const BETWEEN: f64 = 20.0;
/// Nodes beside one another where there are few of them.
const FEWEST: usize = 6;

/// How large something is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What leads from one node to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The words on it.
    pub(super) label: Option<Size>,
}

/// A place, by its middle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Where everything stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Laid {
    pub(super) nodes: Vec<Point>,
    /// By link: the points that it passes, straight down or up from every odd one to the next; empty
    /// for one that comes back to its own node.
    pub(super) ways: Vec<Vec<Point>>,
    /// By link: where its words stand.
    pub(super) labels: Vec<Option<Point>>,
    pub(super) size: Size,
}

/// Something that takes room in a layer: a node, words, or an edge that passes.
#[derive(Clone, Debug, Default)]
struct Slot {
    layer: usize,
    size: Size,
    passes: bool,
    up: Vec<usize>,
    down: Vec<usize>,
}

/// The slots that a link passes, from top to bottom.
struct Chain {
    slots: Vec<usize>,
    /// Whether it leads upwards.
    back: bool,
    label: Option<usize>,
}

/// Lays out nodes of these sizes. Indices of links are of nodes.
pub(super) fn lay_out(nodes: &[Size], links: &[Link]) -> Laid {
    let back = order::backwards(nodes.len(), links);
    let cap = FEWEST.max(nodes.len().isqrt());
    let rank = order::ranks(nodes.len(), (links, &back), cap);
    let mut slots: Vec<Slot> = nodes
        .iter()
        .zip(&rank)
        .map(|(size, rank)| Slot { layer: rank * 2, size: *size, ..Slot::default() })
        .collect();
    for link in links.iter().filter(|link| link.from == link.to) {
        // What comes back to its own node stands at both sides, so that the node stays in the middle.
        let words = link.label.map_or(0.0, |label| label.width);
        slots[link.from].size.width += 2.0 * (LOOP + words);
    }
    let chains: Vec<Option<Chain>> =
        links.iter().zip(&back).map(|(link, back)| chain(link, *back, &mut slots)).collect();
    let layers = order::layers(&slots);
    let xs = places::across(&slots, &layers);
    let bands = places::down(&slots, &layers);
    let place = |slot: usize| Point { x: xs[slot], y: bands[slots[slot].layer].0 };
    let ways = chains.iter().zip(links).map(|(chain, link)| {
        chain.as_ref().map_or_else(Vec::new, |chain| {
            let sizes = (nodes[link.from], nodes[link.to]);
            places::way((&chain.slots, chain.back), sizes, (&slots, &xs, &bands))
        })
    });
    let labels = chains.iter().zip(links).map(|(chain, link)| match chain {
        Some(chain) => chain.label.map(place),
        None => link.label.map(|label| {
            let node = place(link.from);
            let x = node.x + nodes[link.from].width / 2.0 + LOOP + label.width / 2.0;
            Point { x, y: node.y }
        }),
    });
    let width =
        slots.iter().zip(&xs).map(|(slot, x)| x + slot.size.width / 2.0).fold(0.0, f64::max);
    let height = bands.last().map_or(0.0, |(middle, height)| middle + height / 2.0);
    Laid {
        ways: ways.collect(),
        labels: labels.collect(),
        nodes: (0..nodes.len()).map(place).collect(),
        size: Size { width, height },
    }
}

/// How far what comes back to its own node stands out.
pub(super) const LOOP: f64 = 30.0;

fn chain(link: &Link, back: bool, slots: &mut Vec<Slot>) -> Option<Chain> {
    if link.from == link.to {
        return None;
    }
    let (top, bottom) = if back { (link.to, link.from) } else { (link.from, link.to) };
    let (first, last) = (slots[top].layer + 1, slots[bottom].layer);
    // Words stand near where the link leaves.
    let words = if back { last.saturating_sub(1) } else { first };
    let mut chain = Chain { slots: vec![top], back, label: None };
    for layer in first..last {
        let label = link.label.filter(|_| layer == words);
        let slot = slots.len();
        if label.is_some() {
            chain.label = Some(slot);
        }
        let size = label.unwrap_or_default();
        slots.push(Slot { layer, size, passes: label.is_none(), ..Slot::default() });
        chain.slots.push(slot);
    }
    chain.slots.push(bottom);
    for pair in chain.slots.windows(2) {
        slots[pair[0]].down.push(pair[1]);
        slots[pair[1]].up.push(pair[0]);
    }
    Some(chain)
}

#[cfg(test)]
mod tests;
