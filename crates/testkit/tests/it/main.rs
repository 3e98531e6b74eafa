//! What the kit promises, seen from outside.

#[cfg(test)]
mod models;
#[cfg(test)]
mod upstream;
