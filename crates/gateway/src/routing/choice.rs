//! The order in which the models of a pool are asked, and why.

use std::cmp::Ordering;
use std::sync::Arc;

use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_wire::price::Bounds;

use super::bandit::Features;
use super::demand::Demand;
use super::learned::Inner;
use super::pool::{Pool, Strategy};
use super::random::Lots;
use crate::route::Route;

/// A model that may answer: its place in the pool, and who serves it.
pub(super) type Member = (usize, Arc<Route>);

/// Puts members in the order in which they are asked, best first, each with the reason.
pub(super) fn order(
    pool: &Pool,
    members: Vec<Member>,
    demand: &Demand,
    known: &Inner,
    lots: &mut Lots,
    now: Timestamp,
) -> Vec<(Arc<Route>, String)> {
    match &pool.strategy {
        Strategy::Weighted(weights) => weighted(members, weights, lots),
        Strategy::Latency => by_latency(members, known, lots, now),
        Strategy::Cheapest => cheapest(members, demand),
        Strategy::Bandit => by_promise(members, demand, known, lots),
    }
}

/// The members by a number each, smallest first; equals stay in the order of the pool.
fn ranked(mut list: Vec<(f64, Arc<Route>, String)>) -> Vec<(Arc<Route>, String)> {
    list.sort_by(|(a, ..), (b, ..)| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    list.into_iter().map(|(_, route, reason)| (route, reason)).collect()
}

/// Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006: each draws
/// `-ln(u) / weight`, and the least wins.
fn weighted(members: Vec<Member>, weights: &[u32], lots: &mut Lots) -> Vec<(Arc<Route>, String)> {
    let drawn = members.into_iter().map(|(place, route)| {
        let weight = weights.get(place).copied().unwrap_or(1);
        let lot = -lots.share().ln();
        let key = if weight == 0 { f64::INFINITY } else { lot / f64::from(weight) };
        (key, route, format!("weight {weight}"))
    });
    ranked(drawn.collect())
}

/// Power of two choices: two are drawn, the less loaded goes first; the rest follow by load.
fn by_latency(
    members: Vec<Member>,
    known: &Inner,
    lots: &mut Lots,
    now: Timestamp,
) -> Vec<(Arc<Route>, String)> {
    let drawn = two_of(members.len(), lots);
    let loads = members.into_iter().enumerate().map(|(index, (_, route))| {
        let load = known.load(&route.name, now);
        let first = if drawn.contains(&index) { 0.0 } else { 1e18 };
        let reason = format!("load {load:.0} ms{}", if first > 0.0 { "" } else { ", drawn" });
        (first + load, route, reason)
    });
    ranked(loads.collect())
}

/// Two different places below `length`, where there are two.
fn two_of(length: usize, lots: &mut Lots) -> [usize; 2] {
    let mut below = |bound: usize| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share below 1 of a short list's length"
        )]
        let place = (lots.share() * bound as f64) as usize;
        place.min(bound.saturating_sub(1))
    };
    let one = below(length);
    let other = below(length.saturating_sub(1));
    [one, if other >= one { other + 1 } else { other }]
}

fn cheapest(members: Vec<Member>, demand: &Demand) -> Vec<(Arc<Route>, String)> {
    let priced = members.into_iter().map(|(_, route)| {
        let worst = worst_case(&route, demand);
        #[expect(clippy::cast_precision_loss, reason = "only the order matters")]
        let key = worst.map_or(f64::INFINITY, |worst| worst.nanos() as f64);
        let reason = worst.map_or("no known price".to_owned(), |w| format!("at most {w}"));
        (key, route, reason)
    });
    ranked(priced.collect())
}

fn worst_case(route: &Route, demand: &Demand) -> Option<Money> {
    let output = u64::from(route.profile.output_limit(demand.output));
    route.price.as_ref()?.worst_case(Bounds::tokens(demand.input, output)).ok()
}

fn by_promise(
    members: Vec<Member>,
    demand: &Demand,
    known: &Inner,
    lots: &mut Lots,
) -> Vec<(Arc<Route>, String)> {
    let features = Features::of(demand);
    let promised = members.into_iter().map(|(_, route)| {
        let arm = known.learned.arm(&route.name).cloned().unwrap_or_default();
        let (expected, more) = arm.ridge.promises(&features);
        // Equals are told apart by lot, which is far smaller than any difference that matters.
        let key = -(expected + more) + lots.share() * 1e-9;
        (key, route, format!("expects {expected:.2}, perhaps {more:.2} more"))
    });
    ranked(promised.collect())
}
