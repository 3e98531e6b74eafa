//! The gateway from outside: over the HTTP transport and a provider on the loopback that fails
//! exactly as told, or over models of this process.

#[cfg(test)]
mod blocked;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod classes;
#[cfg(test)]
mod content;
#[cfg(test)]
mod continuation;
#[cfg(test)]
mod counted;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod farewells;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod matrix_found;
#[cfg(test)]
mod rate_limit;
#[cfg(test)]
mod replayed;
#[cfg(test)]
mod retrieval;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod settle;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod unsent;
