//! `ferrodis/nvent`: the event, index and key-value store of `@nvent-addon/adapter-store-redis` 0.5.15.
//!
//! Keys are the caller's own, so that processes of that package and ours work on one database at the same time; only
//! the hash beside an index has a name that is made here. `docs/keys/nvent.md` lists types and encodings.
//! Values cross as the text that is stored: JavaScript alone knows how its numbers and its JSON are written.
//!
//! [`OPERATIONS`] is what TypeScript can call: positional strings in, the shapes named at each operation out.

mod keys;
mod ops;

pub use ops::OPERATIONS;
