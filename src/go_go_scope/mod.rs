//! `ferrodis/go-go-scope`: the adapters of `@go-go-scope/persistence-redis` 2.9.1.
//!
//! Keys, types and values are that package's, so that its processes and ours share locks, caches, circuits and
//! checkpoints; `docs/keys/go-go-scope.md` lists them. Values cross as the text that is stored.
//!
//! [`OPERATIONS`] is what TypeScript can call: positional strings in, the shapes named at each operation out. The first
//! two arguments of an operation on one key are a prefix, with what the user's client puts before every key, and the key.

mod checkpoint;
mod circuit;
mod entry;
mod lock;

use crate::error::Error;
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, Request, Run, StepsFuture};

/// Everything that the adapters can ask for.
pub const OPERATIONS: &[Operation] = &[
    once("go-go-scope.get", entry::get),
    once("go-go-scope.getWithTtl", entry::get_with_ttl),
    once("go-go-scope.set", entry::set),
    once("go-go-scope.delete", entry::delete),
    once("go-go-scope.has", entry::has),
    steps("go-go-scope.clear", |args, caller| Box::pin(entry::clear(args, caller))),
    steps("go-go-scope.keys", |args, caller| Box::pin(entry::keys(args, caller))),
    single("go-go-scope.acquire", lock::acquire),
    once("go-go-scope.acquireOnce", lock::acquire_once),
    single("go-go-scope.acquireFenced", lock::acquire_fenced),
    once("go-go-scope.acquireFencedOnce", lock::acquire_fenced_once),
    once("go-go-scope.release", lock::release),
    once("go-go-scope.extend", lock::extend),
    once("go-go-scope.setState", circuit::set_state),
    single("go-go-scope.recordFailure", circuit::record_failure),
    single("go-go-scope.replaceState", circuit::replace_state),
    once("go-go-scope.saveCheckpoint", checkpoint::save),
    once("go-go-scope.loadLatest", checkpoint::load_latest),
    steps("go-go-scope.listCheckpoints", |args, caller| Box::pin(checkpoint::list(args, caller))),
    steps("go-go-scope.cleanupCheckpoints", |args, caller| Box::pin(checkpoint::cleanup(args, caller))),
];

/// An operation of one round trip that reads, or leaves the same when it is repeated.
const fn once(name: &'static str, run: fn(&Args, &mut Request) -> Result<(), Error>) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Call, run: Run::Once(run) }
}

/// An operation that a repetition would answer wrongly, or do twice: the caller hears that the outcome is unknown.
const fn single(name: &'static str, run: fn(&Args, &mut Request) -> Result<(), Error>) -> Operation {
    Operation { repeat: Repeat::Never, ..once(name, run) }
}

/// An operation of several round trips.
const fn steps(name: &'static str, run: fn(Args, Caller) -> StepsFuture) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Bulk, run: Run::Steps(run) }
}

/// Writes the key of a call: its prefix and the key itself.
fn key(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.parts(&[args.bytes(0, "prefix")?, args.bytes(1, "key")?]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_or_claims_is_never_sent_twice() {
        let single: Vec<_> =
            OPERATIONS.iter().filter(|op| op.repeat == Repeat::Never).map(|op| op.name).collect();
        assert_eq!(
            single,
            [
                "go-go-scope.acquire",
                "go-go-scope.acquireFenced",
                "go-go-scope.recordFailure",
                "go-go-scope.replaceState"
            ]
        );
    }
}
