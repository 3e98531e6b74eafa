//! The transport against a server on the loopback.

#[cfg(test)]
mod transport;
