//! The network as the settings describe it, made.

use std::fs;

use largestack_config as config;
use largestack_http::Network;
use largestack_types::errors::{Code, LargestackError, Result};

/// The network of these settings.
pub(crate) fn of(described: &config::Network) -> Result<Network> {
    let wrong = |key: &str, why: &dyn std::fmt::Display| {
        LargestackError::other(Code::Config, format!("{key}: {why}"))
    };
    let mut network = Network::default();
    if let Some(proxy) = &described.proxy {
        // The address goes to the one place that connects to it.
        network = network
            .through(proxy.expose(), &described.no_proxy.join(","))
            .map_err(|error| wrong("network.proxy", &error))?;
    }
    if let Some(file) = &described.ca_file {
        let pem = fs::read(file)
            .map_err(|error| wrong("network.ca_file", &format!("{}: {error}", file.display())))?;
        network = network.trusting(&pem).map_err(|error| wrong("network.ca_file", &error))?;
    }
    Ok(network)
}
