//! Plain keys: strings, and counters, which for keys of three and more segments are fields of a hash.

use crate::error::Error;
use crate::nvent::keys;
use crate::redis::keyspace::remove_matching;
use crate::redis::{Args, Caller, ReplyBuilder, Request, script};

/// `key` → the text, or nil.
pub fn get(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("GET", 1).arg(keys::key(args)?);
    Ok(())
}

/// `key` → the text, else the value of the counter of this name, or nil.
pub fn get_or_counter(args: &Args, request: &mut Request) -> Result<(), Error> {
    let key = keys::key(args)?;
    match keys::counter(key) {
        Some((hash, field)) => request.script(&script::NVENT_KV_GET, 1).arg(key).arg(hash).arg(field),
        None => request.command("GET", 1).arg(key),
    };
    Ok(())
}

/// `key text ttl?` → OK. The lifetime is in seconds; without it an earlier one ends.
pub fn set(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (key, value) = (keys::key(args)?, args.bytes(1, "value")?);
    match args.get(2) {
        Some(ttl) => request.command("SETEX", 3).arg(key).arg(ttl).arg(value),
        None => request.command("SET", 2).arg(key).arg(value),
    };
    Ok(())
}

/// `key` → 1 when the key was there, whatever its type.
pub fn delete(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("UNLINK", 1).arg(keys::key(args)?);
    Ok(())
}

/// `key` → 1. Deletes the counter of this name too.
pub fn delete_with_counter(args: &Args, request: &mut Request) -> Result<(), Error> {
    let key = keys::key(args)?;
    match keys::counter(key) {
        Some((hash, field)) => request.script(&script::NVENT_KV_DELETE, 1).arg(key).arg(hash).arg(field),
        None => request.command("UNLINK", 1).arg(key),
    };
    Ok(())
}

/// `key by` → the new value.
pub fn increment(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (key, by) = (keys::key(args)?, args.bytes(1, "by")?);
    match keys::counter(key) {
        Some((hash, field)) => request.script(&script::NVENT_INCREMENT, 2).arg(hash).arg(field).arg(by),
        None => request.command("INCRBY", 2).arg(key).arg(by),
    };
    Ok(())
}

/// `pattern` → how many keys were deleted.
pub async fn clear(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let deleted = remove_matching(&caller, args.bytes(0, "pattern")?, |_| true).await?;
    let mut reply = ReplyBuilder::new();
    reply.int(deleted);
    Ok(reply)
}
