//! `ferrodis/pikku`: the workflow state service of `@pikku/redis` 0.12.18 and its siblings.
//!
//! Keys, types and fields are that package's, so that its processes and ours continue each other's runs;
//! `docs/keys/pikku.md` lists them with the side keys that only we use.
//!
//! [`OPERATIONS`] is what TypeScript can call: positional strings in, the shapes named at each operation out.

mod keys;
mod ops;
mod scan;
mod workflow;

pub use ops::OPERATIONS;
