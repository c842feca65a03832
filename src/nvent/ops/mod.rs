//! The operations, one function each, and the table of them that TypeScript calls by number.

mod index;
mod kv;
mod stream;

use crate::error::Error;
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, Request, Run, StepsFuture};

/// Everything a store can ask for. Arguments are positional; the first is the key.
pub const OPERATIONS: &[Operation] = &[
    counting("nvent.append", stream::append),
    once("nvent.read", stream::read),
    once("nvent.streamDelete", kv::delete),
    once("nvent.get", kv::get),
    once("nvent.getOrCounter", kv::get_or_counter),
    once("nvent.set", kv::set),
    once("nvent.delete", kv::delete),
    once("nvent.deleteWithCounter", kv::delete_with_counter),
    steps("nvent.clear", |args, caller| Box::pin(kv::clear(args, caller))),
    counting("nvent.increment", kv::increment),
    once("nvent.indexAdd", index::add),
    once("nvent.indexRank", index::rank),
    once("nvent.indexGet", index::get),
    steps("nvent.indexPage", |args, caller| Box::pin(index::page(args, caller))),
    steps("nvent.indexHashes", |args, caller| Box::pin(index::hashes(args, caller))),
    once("nvent.indexUpdate", index::update),
    counting("nvent.indexIncrement", index::increment),
    once("nvent.indexDelete", index::delete),
];

/// An operation of one round trip that reads, or writes the same when it is repeated.
const fn once(name: &'static str, run: fn(&Args, &mut Request) -> Result<(), Error>) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Call, run: Run::Once(run) }
}

/// An operation that would count or append twice if it were repeated. A token that told repetitions apart would have to
/// be kept beside the user's keys, so the caller hears that the outcome is unknown instead.
const fn counting(name: &'static str, run: fn(&Args, &mut Request) -> Result<(), Error>) -> Operation {
    Operation { name, repeat: Repeat::Never, deadline: Deadline::Call, run: Run::Once(run) }
}

/// An operation of several round trips.
const fn steps(name: &'static str, run: fn(Args, Caller) -> StepsFuture) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Bulk, run: Run::Steps(run) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let mut names: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), OPERATIONS.len());
        assert!(names.iter().all(|name| name.starts_with("nvent.")));
    }

    #[test]
    fn what_counts_or_appends_is_never_sent_twice() {
        let single: Vec<_> =
            OPERATIONS.iter().filter(|op| op.repeat == Repeat::Never).map(|op| op.name).collect();
        assert_eq!(single, ["nvent.append", "nvent.increment", "nvent.indexIncrement"]);
    }
}
