//! What comes from outside is read by decoders that nothing makes fall: whatever the bytes are and
//! however they are cut, there is no panic, memory stays within a multiple of what came in, and
//! four times as much takes four times the work. Work is counted in bytes allocated, never timed.

mod bytes;
mod corpus;
mod linear;
mod sample;
