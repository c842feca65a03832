//! `ferrodis/go-go-scope`: locks, circuit states, caches, idempotency records and checkpoints of
//! `@go-go-scope/persistence-redis` 2.9.1.
//!
//! A key is a prefix, which names the family, and the caller's own key. Operations on one key take these two first.
//! Values are JSON that somebody else wrote; only the counting script looks into one.

mod checkpoint;
mod circuit;
mod lock;
mod value;

use crate::error::Error;
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, Request, Run, StepsFuture};

/// Everything that the adapters can ask for.
pub const OPERATIONS: &[Operation] = &[
    once("go-go-scope.get", value::get),
    once("go-go-scope.getWithTtl", value::get_with_ttl),
    once("go-go-scope.set", value::set),
    once("go-go-scope.delete", value::delete),
    once("go-go-scope.has", value::has),
    steps("go-go-scope.keys", |args, caller| Box::pin(value::keys(args, caller))),
    steps("go-go-scope.count", |args, caller| Box::pin(value::count(args, caller))),
    steps("go-go-scope.clear", |args, caller| Box::pin(value::clear(args, caller))),
    // A lock taken, or a failure counted, by a call whose reply was lost must not be met or counted again.
    Operation { repeat: Repeat::Never, ..once("go-go-scope.acquire", lock::acquire) },
    once("go-go-scope.acquireFenced", lock::acquire_fenced),
    once("go-go-scope.extend", lock::extend),
    once("go-go-scope.release", lock::release),
    once("go-go-scope.setState", circuit::set_state),
    Operation { repeat: Repeat::Never, ..once("go-go-scope.recordFailure", circuit::record_failure) },
    Operation { repeat: Repeat::Never, ..once("go-go-scope.replaceState", circuit::replace_state) },
    once("go-go-scope.saveCheckpoint", checkpoint::save),
    once("go-go-scope.loadLatestCheckpoint", checkpoint::load_latest),
    steps("go-go-scope.listCheckpoints", |args, caller| Box::pin(checkpoint::list(args, caller))),
    steps("go-go-scope.trimCheckpoints", |args, caller| Box::pin(checkpoint::trim(args, caller))),
];

/// An operation of one round trip. Repeating it changes nothing.
const fn once(name: &'static str, run: fn(&Args, &mut Request) -> Result<(), Error>) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Call, run: Run::Once(run) }
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
    fn only_what_takes_or_counts_is_never_repeated() {
        let single: Vec<_> =
            OPERATIONS.iter().filter(|op| op.repeat == Repeat::Never).map(|op| op.name).collect();
        assert_eq!(single, ["go-go-scope.acquire", "go-go-scope.recordFailure", "go-go-scope.replaceState"]);
    }
}
