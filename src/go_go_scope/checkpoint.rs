//! Checkpoints of a task: an index by sequence number whose members are the names of the data keys.
//!
//! Names in the index lack the prefix that the client itself puts before its keys, so both parts cross apart:
//! `clientPrefix`, often empty, and `prefix`.

use crate::error::Error;
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Value, script};

/// Checkpoints that one script or request handles at most.
const CHUNK: usize = 500;

/// The task of a call, whose first arguments are `clientPrefix`, `prefix` and `taskId`.
#[derive(Clone, Copy)]
struct Task<'a> {
    client: &'a [u8],
    prefix: &'a [u8],
    id: &'a [u8],
}

impl<'a> Task<'a> {
    fn of(args: &'a Args) -> Result<Self, Error> {
        let (client, prefix) = (args.bytes(0, "clientPrefix")?, args.bytes(1, "prefix")?);
        Ok(Self { client, prefix, id: args.bytes(2, "taskId")? })
    }

    fn index(self, request: &mut Request) -> &mut Request {
        request.parts(&[self.client, self.prefix, self.id])
    }
}

/// `clientPrefix prefix taskId sequence json` → OK. A sequence that is no number leaves everything as it is.
pub fn save(args: &Args, request: &mut Request) -> Result<(), Error> {
    let task = Task::of(args)?;
    let (sequence, json) = (args.bytes(3, "sequence")?, args.bytes(4, "checkpoint")?);
    request.script(&script::GO_GO_SCOPE_SAVE_CHECKPOINT, 3);
    task.index(request).parts(&[task.client, task.prefix, task.id, b":", sequence]);
    request.arg(sequence).arg(json).parts(&[task.prefix, task.id, b":", sequence]);
    Ok(())
}

/// `clientPrefix prefix taskId` → the checkpoint with the highest sequence; nil when there is none, or its data is gone.
pub fn load_latest(args: &Args, request: &mut Request) -> Result<(), Error> {
    let task = Task::of(args)?;
    request.script(&script::GO_GO_SCOPE_LOAD_LATEST_CHECKPOINT, 1);
    task.index(request).arg(task.client);
    Ok(())
}

/// `clientPrefix prefix taskId` → list of the checkpoints in the order of their sequences; nil where data is gone.
pub async fn list(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let task = Task::of(&args)?;
    let mut request = Request::new(Repeat::Freely);
    request.command("ZRANGE", 3);
    task.index(&mut request).int(0).int(-1);
    let index = caller.call(request).await?;
    let members: Vec<_> = index.first()?.list().filter_map(Value::text).collect();
    let reads: Vec<_> = members
        .chunks(CHUNK)
        .map(|members| {
            let mut request = Request::new(Repeat::Freely);
            for member in members {
                request.command("GET", 1).parts(&[task.client, member]);
            }
            caller.call(request)
        })
        .collect();
    let mut reply = ReplyBuilder::new();
    reply.list(members.len());
    for read in reads {
        for checkpoint in read.await?.all()? {
            reply.value(checkpoint);
        }
    }
    Ok(reply)
}

/// `clientPrefix prefix taskId keep` → 0. Removes all checkpoints but the newest `keep`, oldest first.
pub async fn trim(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let task = Task::of(&args)?;
    let keep = args.int(3, "keepCount")?;
    let mut owed = i64::MAX;
    while owed > 0 {
        let mut request = Request::new(Repeat::Freely);
        request.script(&script::GO_GO_SCOPE_TRIM_CHECKPOINTS, 3);
        task.index(&mut request).int(keep).arg(task.client).int(CHUNK as i64);
        let frames = caller.call(request).await?;
        let left = frames.first()?.int().unwrap_or(0);
        // What is saved meanwhile is not chased.
        owed = left.min(owed.saturating_sub(CHUNK as i64));
    }
    let mut reply = ReplyBuilder::new();
    reply.int(0);
    Ok(reply)
}
