//! Plain keys: strings, and counters, which for keys of three and more segments are fields of a hash.

use crate::error::Error;
use crate::nvent::keys;
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Value, script};

/// Keys that one step of a scan looks at.
const PAGE: i64 = 2_000;
/// Keys that one command deletes.
const CHUNK: usize = 500;

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

/// `pattern` → how many keys were deleted. Those of one page are deleted while the next is looked for.
pub async fn clear(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let pattern = args.bytes(0, "pattern")?;
    let mut cursor = b"0".to_vec();
    let mut deletions = Vec::new();
    let mut deleted = 0;
    loop {
        let mut scan = Request::new(Repeat::Freely);
        scan.command("SCAN", 5).arg(&cursor).arg(b"MATCH").arg(pattern).arg(b"COUNT").int(PAGE);
        let page = caller.call(scan).await?;
        let mut parts = page.first()?.list();
        cursor = parts.next().and_then(Value::text).unwrap_or(b"0").to_vec();
        let found: Vec<_> =
            parts.next().map_or_else(Vec::new, |found| found.list().filter_map(Value::text).collect());
        for chunk in found.chunks(CHUNK) {
            let mut unlink = Request::new(Repeat::Freely);
            unlink.command("UNLINK", chunk.len());
            for name in chunk {
                unlink.arg(name);
            }
            deletions.push(caller.call(unlink));
        }
        if cursor == b"0" {
            break;
        }
    }
    for deletion in deletions {
        deleted += deletion.await?.first()?.int().unwrap_or(0);
    }
    let mut reply = ReplyBuilder::new();
    reply.int(deleted);
    Ok(reply)
}
