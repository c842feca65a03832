//! Entries of caches and of the idempotency store: strings, with a life in whole seconds.

use super::key;
use crate::error::Error;
use crate::redis::keyspace::{SCAN_COUNT, beginning_with, escape_glob, matching, remove_matching};
use crate::redis::{Args, Caller, ReplyBuilder, Request, script};

/// `prefix key` → the value, or nil.
pub fn get(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("GET", 1);
    key(args, request)
}

/// `prefix key` → nil, or a list of the value and the ms it has left, negative for ever.
pub fn get_with_ttl(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.script(&script::GO_GO_SCOPE_READ_ENTRY, 0);
    key(args, request)
}

/// `prefix key value seconds?` → OK. Without a life an earlier one is taken away.
pub fn set(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (value, seconds) = (args.bytes(2, "value")?, args.get(3));
    if let Some(seconds) = seconds {
        request.command("SETEX", 3);
        key(args, request)?;
        request.arg(seconds).arg(value);
    } else {
        request.command("SET", 2);
        key(args, request)?;
        request.arg(value);
    }
    Ok(())
}

/// `prefix key` → how many keys were removed.
pub fn delete(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("DEL", 1);
    key(args, request)
}

/// `prefix key` → 1 or 0.
pub fn has(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("EXISTS", 1);
    key(args, request)
}

/// `prefix` → 0. Removes every key that begins with it.
pub async fn clear(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    remove_matching(&caller, &beginning_with(args.bytes(0, "prefix")?), |_| true).await?;
    let mut reply = ReplyBuilder::new();
    reply.int(0);
    Ok(reply)
}

/// `prefix pattern?` → list of the keys behind the prefix, without it. The pattern is a glob, the prefix is not.
pub async fn keys(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "prefix")?;
    let pattern = args.get(1).map_or_else(
        || beginning_with(prefix),
        |inside| {
            let mut pattern = escape_glob(prefix);
            pattern.extend_from_slice(inside);
            pattern
        },
    );
    let found = matching(&caller, &pattern, SCAN_COUNT).await?;
    let mut reply = ReplyBuilder::new();
    reply.list(found.len());
    for key in &found {
        reply.text(key.get(prefix.len()..).unwrap_or_default());
    }
    Ok(reply)
}
