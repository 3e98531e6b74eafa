//! `cargo xtask evidence`: what is shown of each provider, from what runs here and now. Real traffic
//! that is replayed is the best there is; then what the vendors' official clients agreed with; a row
//! whose wire only a provider of ours spoke to is simulated. Written to `docs/evidence.json`, which the command line shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use largestack_testkit::{oracle, replay, services, wire_suite};
use largestack_wire::Registry;
use serde_json::json;

use crate::Outcome;

/// Replays a folder of recordings, runs the suite for every row, and writes what was shown.
pub(crate) fn task(root: &Path, recordings: &Path) -> Outcome<bool> {
    let report = replay::replay(recordings, &replay::known()?)?;
    for failure in &report.failures {
        println!(
            "{} #{} {}: {}",
            failure.recording, failure.exchange, failure.path, failure.detail
        );
    }
    let agreement = match services::oracle() {
        Some(python) => oracle::compare(&python)?,
        None => oracle::Agreement::default(),
    };
    agreement.failures.iter().for_each(|failure| println!("{failure}"));
    let mut providers: BTreeMap<String, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut broken = 0;
    for row in Registry::builtin().providers() {
        let cells = providers.entry(row.name.to_string()).or_default();
        for (capability, result) in wire_suite::check(row) {
            match result {
                Ok(()) => {
                    cells.insert(capability, "simulated");
                }
                Err(detail) => {
                    broken += 1;
                    println!("{} {capability}: {detail}", row.name);
                }
            }
        }
        for capability in agreement.shown.get(&*row.name).into_iter().flatten() {
            cells.insert(capability, "oracle");
        }
        for capability in report.shown.get(&*row.name).into_iter().flat_map(BTreeMap::keys) {
            cells.insert(capability, "recorded");
        }
    }
    let tally: BTreeMap<_, _> = report.providers.iter().collect();
    let text = json!({
        "providers": providers, "replayed": tally, "agreed_with_clients": agreement.compared,
    });
    let text = serde_json::to_string_pretty(&text)? + "\n";
    fs::write(root.join("docs/evidence.json"), text)?;
    Ok(report.failures.is_empty() && agreement.failures.is_empty() && broken == 0)
}
