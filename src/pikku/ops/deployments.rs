//! Deployments, and which of them serve a function.

use super::{once, steps};
use crate::error::Error;
use crate::pikku::keys;
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, ReplyBuilder, Request, Value};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    once("pikku.announceDeployment", announce),
    once("pikku.withdrawDeployment", withdraw),
    steps("pikku.findDeployments", Deadline::Call, |args, caller| Box::pin(find(args, caller))),
];

/// `P id endpoint functionsJson ttlSeconds expiryMs function…` → nothing of interest. Start and heartbeat are the same,
/// so that a deployment that was paused until it expired is back with its next heartbeat.
fn announce(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "deploymentId")?);
    let (endpoint, functions) = (args.bytes(2, "endpoint")?, args.bytes(3, "functions")?);
    let (ttl, expiry) = (args.bytes(4, "heartbeatTtl")?, args.bytes(5, "heartbeatTtl")?);
    request.command("HSET", 5);
    keys::deployment(request, prefix, id);
    request.arg(b"endpoint").arg(endpoint).arg(b"functions").arg(functions);
    request.command("EXPIRE", 2);
    keys::deployment(request, prefix, id);
    request.arg(ttl);
    for index in 6..args.len() {
        let function = args.bytes(index, "functions")?;
        request.command("ZADD", 3);
        keys::function(request, prefix, function);
        request.arg(expiry).arg(id);
    }
    Ok(())
}

/// `P id function…` → nothing of interest.
fn withdraw(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "deploymentId")?);
    request.command("DEL", 1);
    keys::deployment(request, prefix, id);
    for index in 2..args.len() {
        let function = args.bytes(index, "functions")?;
        request.command("ZREM", 2);
        keys::function(request, prefix, function);
        request.arg(id);
    }
    Ok(())
}

/// `P function nowMs` → list of `deploymentId`, `endpoint` of each live deployment, one after another, from the oldest
/// heartbeat to the freshest. Takes off the index what has expired, and what says no endpoint any more.
///
/// Two round trips; a third only where there was something of the latter kind.
async fn find(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let (function, now) = (args.bytes(1, "funcName")?, args.bytes(2, "now")?);
    let mut request = Request::new(Repeat::Freely);
    request.command("ZREMRANGEBYSCORE", 3);
    keys::function(&mut request, prefix, function);
    request.arg(b"-inf").arg(now);
    request.command("ZRANGEBYSCORE", 3);
    keys::function(&mut request, prefix, function);
    request.arg(now).arg(b"+inf");
    let frames = caller.call(request).await?;
    let ids = frames.all()?.nth(1).unwrap_or(Value::Nil).list();

    let mut reply = ReplyBuilder::new();
    if ids.is_empty() {
        reply.list(0);
        return Ok(reply);
    }
    let mut request = Request::new(Repeat::Freely);
    for id in ids.filter_map(Value::text) {
        request.command("HGET", 2);
        keys::deployment(&mut request, prefix, id);
        request.arg(b"endpoint");
    }
    let endpoints = caller.call(request).await?;
    let says = |endpoint: Value<'_>| endpoint.text().is_some_and(|text| !text.is_empty());
    let found = ids.zip(endpoints.all()?);
    let (live, silent): (Vec<_>, Vec<_>) = found.partition(|(_, endpoint)| says(*endpoint));
    if !silent.is_empty() {
        let mut request = Request::new(Repeat::Freely);
        request.command("ZREM", 1 + silent.len());
        keys::function(&mut request, prefix, function);
        for (id, _) in &silent {
            request.opt(id.text());
        }
        caller.call(request).await?.first()?;
    }
    reply.list(2 * live.len());
    for (id, endpoint) in live {
        reply.value(id).value(endpoint);
    }
    Ok(reply)
}
