//! The operations: a file and a table for each part of the package.

mod agents;
mod channels;
mod deployments;
mod listing;
mod locks;
mod run_service;
mod runs;
mod secrets;
mod sessions;
mod shared;
mod steps;
mod sweeps;

use crate::error::Error;
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, Request, Run, StepsFuture};

/// Everything that the classes can ask for, a table for each file. Arguments are positional; the first is the key prefix.
pub const OPERATIONS: &[&[Operation]] = &[
    runs::OPERATIONS,
    self::steps::OPERATIONS,
    listing::OPERATIONS,
    locks::OPERATIONS,
    sweeps::OPERATIONS,
    run_service::OPERATIONS,
    channels::OPERATIONS,
    sessions::OPERATIONS,
    deployments::OPERATIONS,
    secrets::OPERATIONS,
    agents::OPERATIONS,
];

/// An operation of one round trip. Repeating it changes nothing, or its script recognises a repeated call.
const fn once(name: &'static str, run: fn(&Args, &mut Request) -> Result<(), Error>) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Call, run: Run::Once(run) }
}

/// An operation of several round trips.
const fn steps(name: &'static str, deadline: Deadline, run: fn(Args, Caller) -> StepsFuture) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline, run: Run::Steps(run) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let all = || OPERATIONS.iter().copied().flatten().map(|operation| operation.name);
        let mut names: Vec<_> = all().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().count());
        assert!(names.iter().all(|name| name.starts_with("pikku.")));
    }
}
