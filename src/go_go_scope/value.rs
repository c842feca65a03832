//! Values under a prefix: cache entries, idempotency records, and what else is read and written whole. They live in
//! whole seconds.

use super::key;
use crate::error::Error;
use crate::redis::keyspace::{beginning_with, escape_glob, matching, remove_all};
use crate::redis::{Args, Caller, ReplyBuilder, Request, script};

/// `prefix key` → the value, or nil.
pub fn get(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("GET", 1);
    key(args, request)
}

/// `prefix key` → nil, or a list of the value and its time to live in ms (negative: none). Both are of one instant.
pub fn get_with_ttl(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.script(&script::GO_GO_SCOPE_GET_WITH_TTL, 0);
    key(args, request)
}

/// `prefix key value seconds?` → OK.
pub fn set(args: &Args, request: &mut Request) -> Result<(), Error> {
    let value = args.bytes(2, "value")?;
    if let Some(seconds) = args.get(3) {
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

/// `prefix key` → 1 when there is such a key, of whatever type.
pub fn has(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("EXISTS", 1);
    key(args, request)
}

/// `prefix glob` → list of the keys under the prefix that match, each once and without the prefix.
pub async fn keys(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "prefix")?;
    let pattern = [&escape_glob(prefix), args.bytes(1, "pattern")?].concat();
    let found = matching(&caller, &pattern).await?;
    let mut reply = ReplyBuilder::new();
    reply.list(found.len());
    for name in &found {
        // As a client does that decodes what it receives.
        let name = String::from_utf8_lossy(name.get(prefix.len()..).unwrap_or_default());
        reply.text(name.as_bytes());
    }
    Ok(reply)
}

/// `prefix` → how many keys begin with it.
pub async fn count(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let found = matching(&caller, &beginning_with(args.bytes(0, "prefix")?)).await?;
    let mut reply = ReplyBuilder::new();
    reply.int(found.len() as i64);
    Ok(reply)
}

/// `prefix` → 0. Removes every key that begins with it.
pub async fn clear(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    remove_all(&caller, args.bytes(0, "prefix")?).await?;
    let mut reply = ReplyBuilder::new();
    reply.int(0);
    Ok(reply)
}
