//! The laws of a run, without a driver: a scripted world answers effects and its outcomes are
//! folded.

mod endings;
mod fixture;
mod laws;
mod limits;
mod world;
