//! The binary as people run it: a process with an empty home, its output and its exit code.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod attach;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod below;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod cassettes;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod contract_cases;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod doubts;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod following;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod help;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod looking;
#[cfg(test)]
mod named;
#[cfg(test)]
mod place;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod pruning;
#[cfg(test)]
mod redteam;
#[cfg(test)]
mod reranker;
#[cfg(test)]
mod restate;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod secrets;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod servers;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod switch;
#[cfg(test)]
mod tools;
#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "restate"))]
mod two_workers;
#[cfg(test)]
mod web_assembly;
mod wires;
#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "restate"))]
mod worker_process;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod workers;
#[cfg(test)]
mod workflow_tools;
#[cfg(test)]
mod workflows;
