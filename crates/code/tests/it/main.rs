//! Scripts that mean harm, and scripts of an agent.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod harm;
#[cfg(test)]
mod held;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod same;
#[cfg(test)]
mod world;
