//! Workflow runs, their variables and the stored versions of workflows.

use super::once;
use crate::error::Error;
use crate::pikku::{keys, workflow};
use crate::redis::{Args, Operation, Request, script};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    once("pikku.createRun", create_run),
    once("pikku.getRun", get_run),
    once("pikku.updateRun", update_run),
    once("pikku.setRunState", set_run_state),
    once("pikku.getRunState", get_run_state),
    once("pikku.upsertVersion", upsert_version),
    once("pikku.setVersionStatus", set_version_status),
    once("pikku.getVersion", get_version),
];

/// Steps whose time to live one script sets at most.
const STEPS: i64 = 500;

/// `P R nowMs field value …` → 1, or 0 when the run was there.
fn create_run(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = run(args)?;
    request.script(&script::PIKKU_CREATE_RUN, args.len() - 1);
    keys::run(request, prefix, id);
    workflow::active_runs(request, prefix);
    keys::runs(request, prefix);
    rest(args, 1, request);
    Ok(())
}

/// `P R` → the fields of the run hash and their values, one after another.
fn get_run(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = run(args)?;
    request.command("HGETALL", 1);
    keys::run(request, prefix, id);
    Ok(())
}

/// `P R nowMs status keepSeconds? field value …` → 1 done · 2 done but for the steps, see `pikku.keepSteps` · 0 no such run.
fn update_run(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = run(args)?;
    let (now, status) = (args.bytes(2, "now")?, args.bytes(3, "status")?);
    request.script(&script::PIKKU_UPDATE_RUN, args.len().max(5) + 1);
    keys::run(request, prefix, id);
    workflow::active_runs(request, prefix);
    workflow::steps(request, prefix, id);
    workflow::run_state(request, prefix, id);
    request.arg(prefix).arg(id).arg(now).arg(status).opt(args.get(4)).int(STEPS);
    rest(args, 5, request);
    Ok(())
}

/// `P R nowMs name json` → 1.
fn set_run_state(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = run(args)?;
    request.script(&script::PIKKU_SET_RUN_STATE, 4);
    workflow::run_state(request, prefix, id);
    keys::run(request, prefix, id);
    workflow::active_runs(request, prefix);
    request.arg(id).arg(args.bytes(2, "now")?).arg(args.bytes(3, "name")?).arg(args.bytes(4, "value")?);
    Ok(())
}

/// `P R` → list of the old object of all variables, or nil, and a list of names and values, one after another.
fn get_run_state(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = run(args)?;
    request.script(&script::PIKKU_GET_RUN_STATE, 0);
    keys::run(request, prefix, id);
    workflow::run_state(request, prefix, id);
    Ok(())
}

/// `P NAME HASH field value …` → 1, or 0 when there was one.
fn upsert_version(args: &Args, request: &mut Request) -> Result<(), Error> {
    let version = Version::of(args)?;
    request.script(&script::PIKKU_UPSERT_VERSION, args.len() - 3);
    version.key(request);
    rest(args, 3, request);
    Ok(())
}

/// `P NAME HASH status` → 1, or 0 when there is no such version.
fn set_version_status(args: &Args, request: &mut Request) -> Result<(), Error> {
    let version = Version::of(args)?;
    let status = args.bytes(3, "status")?;
    request.script(&script::PIKKU_SET_VERSION_STATUS, 1);
    version.key(request);
    request.arg(status);
    Ok(())
}

/// `P NAME HASH` → list of graph and source, nil where there is none.
fn get_version(args: &Args, request: &mut Request) -> Result<(), Error> {
    let version = Version::of(args)?;
    request.command("HMGET", 3);
    version.key(request);
    request.arg(b"graph").arg(b"source");
    Ok(())
}

/// A stored version.
struct Version<'a> {
    prefix: &'a [u8],
    name: &'a [u8],
    hash: &'a [u8],
}

impl<'a> Version<'a> {
    fn of(args: &'a Args) -> Result<Self, Error> {
        Ok(Self {
            prefix: args.bytes(0, "keyPrefix")?,
            name: args.bytes(1, "workflowName")?,
            hash: args.bytes(2, "graphHash")?,
        })
    }

    fn key(&self, request: &mut Request) {
        workflow::version(request, self.prefix, self.name, self.hash);
    }
}

/// Prefix and run id, which most calls begin with.
fn run(args: &Args) -> Result<(&[u8], &[u8]), Error> {
    Ok((args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?))
}

/// Passes arguments on from `index`.
fn rest(args: &Args, index: usize, request: &mut Request) {
    for arg in args.rest(index) {
        request.opt(arg);
    }
}
