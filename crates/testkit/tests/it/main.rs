//! What the kit promises, seen from outside.

#[cfg(test)]
mod decoders;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod models;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod protocols;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod upstream;
