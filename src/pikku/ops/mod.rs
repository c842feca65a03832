//! The operations: a file and a table for each part of the package.

mod runs;

use crate::error::Error;
use crate::redis::{Args, Deadline, Operation, Repeat, Request, Run};

/// Everything that the classes can ask for, a table for each file. Arguments are positional; the first is the key prefix.
pub const OPERATIONS: &[&[Operation]] = &[runs::OPERATIONS];

/// An operation of one round trip. Repeating it changes nothing, or its script recognises a repeated call.
const fn once(name: &'static str, run: fn(&Args, &mut Request) -> Result<(), Error>) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Call, run: Run::Once(run) }
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
