//! Workflow runs.

use super::once;
use crate::error::Error;
use crate::pikku::keys;
use crate::redis::{Args, Operation, Request};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[once("pikku.getRun", get_run)];

/// `P R` → the fields of the run hash and their values, one after another.
fn get_run(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?);
    request.command("HGETALL", 1);
    keys::run(request, prefix, id);
    Ok(())
}
