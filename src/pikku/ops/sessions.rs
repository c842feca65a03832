//! Sessions of users.

use super::once;
use crate::error::Error;
use crate::pikku::keys;
use crate::redis::{Args, Operation, Request};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    once("pikku.getSession", get_session),
    once("pikku.setSession", set_session),
    once("pikku.clearSession", clear_session),
];

/// `P userId` → text or nil.
fn get_session(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, user) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "pikkuUserId")?);
    request.command("GET", 1);
    keys::session(request, prefix, user);
    Ok(())
}

/// `P userId json ttlSeconds?` → `OK`. Without a time to live the session stays, whatever held before.
fn set_session(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, user) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "pikkuUserId")?);
    let (json, ttl) = (args.bytes(2, "session")?, args.get(3));
    request.command("SET", if ttl.is_some() { 4 } else { 2 });
    keys::session(request, prefix, user);
    request.arg(json);
    if let Some(ttl) = ttl {
        request.arg(b"EX").arg(ttl);
    }
    Ok(())
}

/// `P userId` → how many sessions that were.
fn clear_session(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, user) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "pikkuUserId")?);
    request.command("DEL", 1);
    keys::session(request, prefix, user);
    Ok(())
}
