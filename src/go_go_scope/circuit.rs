//! States of circuit breakers. Every write gives a state the same life anew, and tells a channel where one is named.

use super::key;
use crate::error::Error;
use crate::redis::{Args, Request, script};

/// Seconds that a state lasts after it was written.
const LIFE: i64 = 3_600;

/// `prefix key json channel?` → OK, or the list of it and how many heard.
pub fn set_state(args: &Args, request: &mut Request) -> Result<(), Error> {
    let state = args.bytes(2, "state")?;
    request.command("SETEX", 3);
    key(args, request)?;
    request.int(LIFE).arg(state);
    if let Some(channel) = args.get(3) {
        request.command("PUBLISH", 2).arg(channel).arg(state);
    }
    Ok(())
}

/// `prefix key maxFailures? now channel?` → the count as text, or nil when JavaScript has to read the state.
pub fn record_failure(args: &Args, request: &mut Request) -> Result<(), Error> {
    let now = args.bytes(3, "now")?;
    request.script(&script::GO_GO_SCOPE_RECORD_FAILURE, 4);
    key(args, request)?;
    request.opt(args.get(2)).arg(now).opt(args.get(4)).int(LIFE);
    Ok(())
}

/// `prefix key before json channel?` → 1 replaced · 0 the state is another by now. `before` is empty for none.
pub fn replace_state(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (before, state) = (args.bytes(2, "before")?, args.bytes(3, "state")?);
    request.script(&script::GO_GO_SCOPE_REPLACE_STATE, 4);
    key(args, request)?;
    request.arg(before).arg(state).opt(args.get(4)).int(LIFE);
    Ok(())
}
