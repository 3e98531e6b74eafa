//! The official clients beside our decoders.

use largestack_testkit::{oracle, services};

#[test]
fn official_clients_and_our_wires_agree_on_what_was_said() {
    let Some(python) = services::oracle() else { return };
    let agreement = oracle::compare(&python).unwrap();
    assert!(agreement.failures.is_empty(), "{}", agreement.failures.join("\n"));
    assert!(agreement.compared > 200, "only {} compared", agreement.compared);
    assert_eq!(agreement.shown.len(), 9, "{:?}", agreement.shown);
    for (row, shown) in &agreement.shown {
        for capability in ["whole", "stream", "tools", "errors"] {
            assert!(shown.contains(capability), "{row}: {shown:?}");
        }
    }
}
