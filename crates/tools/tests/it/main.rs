//! What confines commands, tried out by commands that want to get away.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod escapes;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod place;
#[cfg(test)]
mod work;
