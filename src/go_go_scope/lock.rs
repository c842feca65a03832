//! Locks. Lives are milliseconds and go to the server as they were given: it judges them.

use super::key;
use crate::error::Error;
use crate::redis::{Args, Request, Script, script};

/// `prefix key owner ttl` → OK, or nil when the lock is held, also by the same owner.
pub fn acquire(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (owner, ttl) = (args.bytes(2, "owner")?, args.bytes(3, "ttl")?);
    request.command("SET", 5);
    key(args, request)?;
    request.arg(owner).arg(b"PX").arg(ttl).arg(b"NX");
    Ok(())
}

/// `prefix key owner ttl` → 1 taken · 0 held. For an owner that is unique to this call, which may be sent again.
pub fn acquire_once(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_lock(&script::GO_GO_SCOPE_ACQUIRE, args, request, true)
}

/// `prefix key owner ttl fencePrefix` → the fencing token, or 0 when the lock is held.
pub fn acquire_fenced(args: &Args, request: &mut Request) -> Result<(), Error> {
    fenced(args, request, b"0")
}

/// As [`acquire_fenced`], for an owner that is unique to this call, which may be sent again.
pub fn acquire_fenced_once(args: &Args, request: &mut Request) -> Result<(), Error> {
    fenced(args, request, b"1")
}

/// `prefix key owner` → 1 released · 0 it was not this owner's.
pub fn release(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_lock(&script::GO_GO_SCOPE_RELEASE, args, request, false)
}

/// `prefix key owner ttl` → 1 extended · 0 it is not this owner's.
pub fn extend(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_lock(&script::GO_GO_SCOPE_EXTEND, args, request, true)
}

fn on_lock(script: &Script, args: &Args, request: &mut Request, with_ttl: bool) -> Result<(), Error> {
    let owner = args.bytes(2, "owner")?;
    request.script(script, if with_ttl { 2 } else { 1 });
    key(args, request)?;
    request.arg(owner);
    if with_ttl {
        request.arg(args.bytes(3, "ttl")?);
    }
    Ok(())
}

fn fenced(args: &Args, request: &mut Request, unique: &[u8]) -> Result<(), Error> {
    let (owner, ttl) = (args.bytes(2, "owner")?, args.bytes(3, "ttl")?);
    request.script(&script::GO_GO_SCOPE_ACQUIRE_FENCED, 3);
    key(args, request)?;
    request.parts(&[args.bytes(4, "fencePrefix")?, args.bytes(1, "key")?]);
    request.arg(owner).arg(ttl).arg(unique);
    Ok(())
}
