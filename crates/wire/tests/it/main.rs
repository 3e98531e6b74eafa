//! The wires against their laws, their snapshots and recorded traffic.

#[cfg(test)]
mod anthropic;
#[cfg(test)]
mod bedrock;
#[cfg(test)]
mod bedrock_laws;
#[cfg(test)]
mod bedrock_replies;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod cohere;
#[cfg(test)]
mod embed;
#[cfg(test)]
mod extra;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gemini;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod ollama;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod repeats;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod rerank;
#[cfg(test)]
mod responses_laws;
#[cfg(test)]
mod responses_replay;
#[cfg(test)]
mod responses_requests;
#[cfg(test)]
mod responses_streams;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
