//! The operations of `ferrodis/conveyor` against a real server: results, what they cost, races and invariants.

mod bulk;
mod client;
mod dashboard;
mod flows;
mod leasing;
mod model;
mod ordering;
mod saving;
mod scripts;
mod server;
mod store;
mod updating;
