//! The transport against servers on the loopback.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod egress;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod transport;
