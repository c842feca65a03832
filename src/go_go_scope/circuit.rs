//! States of circuit breakers, which are JSON and live for an hour.

use super::key;
use crate::error::Error;
use crate::redis::{Args, Request, script};

/// Seconds that a state lives after each write.
const LIFE: i64 = 3600;

/// `prefix key json channel?` → OK, after which the channel, if there is one, is told the state.
pub fn set_state(args: &Args, request: &mut Request) -> Result<(), Error> {
    let json = args.bytes(2, "state")?;
    request.command("SETEX", 3);
    key(args, request)?;
    request.int(LIFE).arg(json);
    if let Some(channel) = args.get(3) {
        request.command("PUBLISH", 2).arg(channel).arg(json);
    }
    Ok(())
}

/// `prefix key max? now channel?` → the count of failures; or, when the stored state is none that this package or the
/// original writes, a list of its text and its digest, and nothing is changed.
pub fn record_failure(args: &Args, request: &mut Request) -> Result<(), Error> {
    let now = args.bytes(3, "now")?;
    request.script(&script::GO_GO_SCOPE_RECORD_FAILURE, 4);
    key(args, request)?;
    request.opt(args.get(2)).arg(now).int(LIFE).opt(args.get(4));
    Ok(())
}

/// `prefix key digest json channel?` → 1 replaced, 0 the stored state is not the one with this digest.
pub fn replace_state(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (digest, json) = (args.bytes(2, "digest")?, args.bytes(3, "state")?);
    request.script(&script::GO_GO_SCOPE_REPLACE_STATE, 4);
    key(args, request)?;
    request.arg(digest).arg(json).int(LIFE).opt(args.get(4));
    Ok(())
}
