//! The laws of a token vault, whatever it is kept in. A form runs them all with [`all`].
#![expect(clippy::unwrap_used, reason = "a law that does not hold fails its test")]

use std::sync::Arc;

use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};

/// Every law, each over a vault of its own.
pub async fn all(forms: &dyn Fn() -> Arc<dyn TokenVault>) {
    pairs_come_back_in_order_by_tenant_and_run_tree(&*forms()).await;
    erased_values_are_gone_and_others_stay(&*forms()).await;
    a_value_that_is_put_again_after_erasure_is_there(&*forms()).await;
}

fn scope(tenant: &str) -> Scope {
    Scope::authenticated(TenantId::new(tenant).unwrap(), "somebody")
}

async fn put(vault: &dyn TokenVault, scope: &Scope, root: u128, placeholder: &str, value: &str) {
    let pairs = vec![(placeholder.to_owned(), Sensitive::new(value))];
    vault.put(scope, RunId::from_u128(root), pairs).await.unwrap();
}

async fn kept(vault: &dyn TokenVault, scope: &Scope, root: u128) -> Vec<(String, String)> {
    let pairs = vault.all(scope, RunId::from_u128(root)).await.unwrap();
    pairs.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

async fn pairs_come_back_in_order_by_tenant_and_run_tree(vault: &dyn TokenVault) {
    let (acme, other) = (scope("acme"), scope("other"));
    put(vault, &acme, 1, "<CARD_2>", "b").await;
    put(vault, &acme, 1, "<CARD_1>", "a").await;
    put(vault, &acme, 2, "<CARD_1>", "of another run").await;
    assert_eq!(kept(vault, &acme, 1).await, [pair("<CARD_2>", "b"), pair("<CARD_1>", "a")]);
    assert_eq!(kept(vault, &acme, 2).await, [pair("<CARD_1>", "of another run")]);
    assert_eq!(kept(vault, &other, 1).await, []);
}

async fn erased_values_are_gone_and_others_stay(vault: &dyn TokenVault) {
    let acme = scope("acme");
    for root in [1, 2] {
        put(vault, &acme, root, "<CARD_1>", "4111").await;
    }
    vault.erase(&acme, RunId::from_u128(1)).await.unwrap();
    vault.erase(&scope("other"), RunId::from_u128(2)).await.unwrap();
    assert_eq!(kept(vault, &acme, 1).await, []);
    assert_eq!(kept(vault, &acme, 2).await, [pair("<CARD_1>", "4111")]);
}

async fn a_value_that_is_put_again_after_erasure_is_there(vault: &dyn TokenVault) {
    let acme = scope("acme");
    put(vault, &acme, 1, "<CARD_1>", "4111").await;
    vault.erase(&acme, RunId::from_u128(1)).await.unwrap();
    put(vault, &acme, 1, "<CARD_1>", "5500").await;
    assert_eq!(kept(vault, &acme, 1).await, [pair("<CARD_1>", "5500")]);
}
