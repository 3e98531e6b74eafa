//! Recorded provider traffic, where it is at hand.

use std::io::Write as _;
use std::path::Path;

use largestack_testkit::replay;

#[test]
fn every_recorded_exchange_keeps_the_laws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    if !folder.is_dir() {
        let _ =
            writeln!(std::io::stderr(), "skipped: there are no recordings at {}", folder.display());
        return;
    }
    let report = replay::replay(&folder, &replay::known().unwrap()).unwrap();
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    let exchanges: u64 = report.providers.values().map(|tally| tally.exchanges).sum();
    assert!(exchanges > 700, "only {exchanges}");
}
