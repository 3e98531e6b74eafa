//! Settings as a program meets them: files on a disk, an environment, flags.

#[cfg(test)]
mod declared;
#[cfg(test)]
mod every_key;
#[cfg(test)]
mod export;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod places;
#[cfg(test)]
mod precedence;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod support;
#[cfg(test)]
mod workers;
#[cfg(test)]
mod workflow;
#[cfg(test)]
mod workflow_bounds;
#[cfg(test)]
mod workflow_tools;
