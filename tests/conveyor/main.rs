//! The operations of `ferrodis/conveyor` against a real server: results, what they cost, races and invariants.

mod client;
mod server;
mod store;

mod leasing;
mod saving;
