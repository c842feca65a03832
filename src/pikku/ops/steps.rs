//! Steps of a run, one at a time.

use super::once;
use crate::error::Error;
use crate::pikku::keys;
use crate::pikku::workflow::{self, STATE, Step};
use crate::redis::{Args, Operation, Request, script};

/// The operations of this file. STEP is a list of the fields of [`STATE`], all nil where there is no step.
pub const OPERATIONS: &[Operation] = &[
    once("pikku.getStep", get_step),
    once("pikku.insertStep", insert_step),
    once("pikku.moveStep", move_step),
    once("pikku.setStepField", set_step_field),
    once("pikku.retryStep", retry_step),
    once("pikku.claimStep", claim_step),
];

/// `P R S` → STEP.
fn get_step(args: &Args, request: &mut Request) -> Result<(), Error> {
    let step = Step::named(args)?;
    request.command("HMGET", 1 + STATE.len());
    step.hash(request);
    workflow::state(request);
    Ok(())
}

/// `P R S stepId nowMs replace? retries? retryDelay? field value …` → nil when the step was made, else the STEP that is there.
fn insert_step(args: &Args, request: &mut Request) -> Result<(), Error> {
    const OWN: usize = 8;
    let step = Step::named(args)?;
    let (id, now) = (args.bytes(3, "stepId")?, args.bytes(4, "now")?);
    let pairs = args.len().saturating_sub(OWN);
    request.script(&script::PIKKU_INSERT_STEP, OWN + pairs + STATE.len());
    step.keys(request, id);
    request.arg(step.run).arg(step.name).arg(id).arg(now);
    request.opt(args.get(5)).opt(args.get(6)).opt(args.get(7)).int(pairs as i64);
    for arg in args.rest(OWN) {
        request.opt(arg);
    }
    workflow::state(request);
    Ok(())
}

/// `P stepId nowMs status stamp? field? json? leaseToken? leaseMs? lockToken?` → 1 done, 0 no such step, 2 a worker
/// was faster than `scheduled`. `field` is `result` or `error`. With a lease it is a claim under the lock of the step, which
/// is given back; then the hash of the run takes the place of 1.
fn move_step(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (step, id) = by_id(args)?;
    let (now, status) = (args.bytes(2, "now")?, args.bytes(3, "status")?);
    request.script(&script::PIKKU_MOVE_STEP, 11);
    step.claim_keys(request, id);
    keys::run(request, args.bytes(0, "keyPrefix")?, step.run);
    request.arg(step.run).arg(step.name).arg(id).arg(now).arg(status);
    for arg in 4..10 {
        request.opt(args.get(arg));
    }
    Ok(())
}

/// `P stepId nowMs field value` → 1, or 0 when there is no such step.
fn set_step_field(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (step, _) = by_id(args)?;
    let (field, value) = (args.bytes(3, "field")?, args.bytes(4, "value")?);
    let now = args.bytes(2, "now")?;
    request.script(&script::PIKKU_SET_STEP_FIELD, 5);
    step.hash(request);
    step.run_keys(request);
    step.lease(request);
    request.arg(step.run).arg(step.name).arg(now).arg(field).arg(value);
    Ok(())
}

/// `P stepId nowMs status token leaseToken? leaseMs? lockToken?` → STEP at its next attempt, or nil when there is no such step.
fn retry_step(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (step, id) = by_id(args)?;
    let (now, status) = (args.bytes(2, "now")?, args.bytes(3, "status")?);
    let token = args.bytes(4, "token")?;
    request.script(&script::PIKKU_RETRY_STEP, 9 + STATE.len());
    step.claim_keys(request, id);
    request.arg(step.run).arg(step.name).arg(id).arg(now).arg(status).arg(token);
    request.opt(args.get(5)).opt(args.get(6)).opt(args.get(7));
    workflow::state(request);
    Ok(())
}

/// `P R S nowMs token rpcName? leaseMs?` → list: -1 a lock is held on the step · 0 no such step · 1 it is dispatched with another
/// function · 2 it is running or has succeeded · 3, the status before, STEP: it is the caller's.
fn claim_step(args: &Args, request: &mut Request) -> Result<(), Error> {
    let step = Step::named(args)?;
    let (now, token) = (args.bytes(3, "now")?, args.bytes(4, "token")?);
    request.script(&script::PIKKU_CLAIM_STEP, 7 + STATE.len());
    step.hash(request);
    step.lock(request);
    step.side_keys(request);
    step.lease(request);
    request.arg(step.run).arg(step.name);
    step.history(request, b"");
    request.arg(now).arg(token).opt(args.get(5)).opt(args.get(6));
    workflow::state(request);
    Ok(())
}

/// The step of the id in arguments `P stepId`.
fn by_id(args: &Args) -> Result<(Step<'_>, &[u8]), Error> {
    let (prefix, id) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "stepId")?);
    Ok((Step::of_id(prefix, id), id))
}
