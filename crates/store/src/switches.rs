//! Kill switches as every form of the store knows them.

use std::collections::HashMap;
use std::fmt;

use largestack_ports::switch::Thrown;
use largestack_types::scope::TenantId;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::error::{Result, StoreError};

/// Switches that are on, by tenant or `*`.
pub(crate) type Switches = HashMap<String, Thrown>;

/// Whose runs a switch stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchScope {
    /// Every tenant's.
    All,
    /// One tenant's.
    Tenant(TenantId),
}

impl SwitchScope {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::All => "*",
            Self::Tenant(tenant) => tenant.as_str(),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "*" => Ok(Self::All),
            name => TenantId::new(name)
                .map(Self::Tenant)
                .map_err(|_| StoreError::Value { what: "switch" }),
        }
    }
}

impl fmt::Display for SwitchScope {
    /// `*` or the tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A throw or a lift, as the history keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchChange {
    /// Whose switch.
    pub scope: SwitchScope,
    /// `true` for a throw, `false` for a lift.
    pub on: bool,
    /// Who did it, why and when.
    pub act: Thrown,
}

/// The switch that stops a tenant.
pub(crate) fn find(switches: &Switches, tenant: &str) -> Option<Thrown> {
    if switches.is_empty() {
        return None;
    }
    switches.get("*").or_else(|| switches.get(tenant)).cloned()
}

/// Waits until a switch stops a tenant.
pub(crate) async fn wait(mut switches: watch::Receiver<Switches>, tenant: TenantId) -> Thrown {
    let on = |switches: &Switches| find(switches, tenant.as_str()).is_some();
    let thrown = match switches.wait_for(on).await {
        Ok(switches) => find(&switches, tenant.as_str()),
        Err(_) => None,
    };
    match thrown {
        Some(thrown) => thrown,
        // The store is gone, and with it whoever could tell.
        None => std::future::pending().await,
    }
}
