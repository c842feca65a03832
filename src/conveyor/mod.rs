//! `ferrodis/conveyor`: the job queue store of `@conveyor/store-redis` 1.5.0.
//!
//! Keys, types and fields are that package's, so that its processes and ours work on one database at the same
//! time; `docs/keys/conveyor.md` lists them with the side keys under `T:x:` that only we use. A queue's keys
//! begin with `T`, which is `{prefix:queueName}` with literal braces.
//!
//! [`OPERATIONS`] is what TypeScript can call: positional strings in, the shapes named at each operation out.

pub mod events;
mod keys;
mod ops;
mod record;

pub use ops::OPERATIONS;
