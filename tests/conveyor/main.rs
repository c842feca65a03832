//! The operations of `ferrodis/conveyor` against a real server: results, what they cost, races and invariants.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![expect(clippy::literal_string_with_formatting_args, reason = "keys begin with a hash tag in braces")]
#![expect(
    clippy::needless_collect,
    reason = "threads and requests are all begun before the first is waited for"
)]

mod bulk;
mod client;
mod dashboard;
mod flows;
mod leasing;
mod model;
mod ordering;
#[path = "../support/port.rs"]
mod port;
mod saving;
mod scripts;
mod server;
mod store;
mod updating;
