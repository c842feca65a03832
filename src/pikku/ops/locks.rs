//! Locks of runs and steps. Their keys are given as what follows the prefix, as `:lock:R`.

use super::once;
use crate::error::Error;
use crate::pikku::keys;
use crate::pikku::workflow::{self, STATE, Step};
use crate::redis::{Args, Operation, Request, script};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    once("pikku.takeLock", take_lock),
    once("pikku.takeRunLock", take_run_lock),
    once("pikku.takeStepLock", take_step_lock),
    once("pikku.releaseLock", release_lock),
];

/// `P suffix token ttlMs` → 1 taken, 0 another has it.
fn take_lock(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.script(&script::PIKKU_TAKE_LOCK, 2);
    key(args, 1, request)?.arg(args.bytes(2, "token")?).int(args.int(3, "ttl")?);
    Ok(())
}

/// `P R suffix token ttlMs maxSteps maxBytes` → list: 0 another has it · 1 taken, 1 if all steps of the run follow, and for each
/// of these its name and STEP.
fn take_run_lock(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, run) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?);
    request.script(&script::PIKKU_TAKE_RUN_LOCK, 5 + STATE.len());
    key(args, 2, request)?;
    keys::run(request, prefix, run);
    workflow::steps(request, prefix, run);
    request.arg(args.bytes(3, "token")?).int(args.int(4, "ttl")?);
    request.parts(&[prefix, b":step:", run, b":"]);
    request.int(args.int(5, "maxSteps")?).int(args.int(6, "maxBytes")?);
    workflow::state(request);
    Ok(())
}

/// `P R S token ttlMs` → list: 0 another has it · 1 taken, 1 if the process that executes the step is gone, STEP.
fn take_step_lock(args: &Args, request: &mut Request) -> Result<(), Error> {
    let step = Step::named(args)?;
    request.script(&script::PIKKU_TAKE_STEP_LOCK, 2 + STATE.len());
    step.lock(request);
    step.hash(request);
    step.lease(request);
    request.arg(args.bytes(3, "token")?).int(args.int(4, "ttl")?);
    workflow::state(request);
    Ok(())
}

/// `P suffix token` → 1 given back, 0 it was not ours.
fn release_lock(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.script(&script::PIKKU_RELEASE_LOCK, 1);
    key(args, 1, request)?.arg(args.bytes(2, "token")?);
    Ok(())
}

/// Writes the key of a lock: the prefix, and the suffix in argument `index`.
fn key<'r>(args: &Args, index: usize, request: &'r mut Request) -> Result<&'r mut Request, Error> {
    Ok(request.parts(&[args.bytes(0, "keyPrefix")?, args.bytes(index, "lock")?]))
}
