//! Checkpoints: one string each, and an index for each task. The index calls a checkpoint by its key without what the
//! user's client puts before every key, as ioredis does with members.

use crate::error::Error;
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Value, script};

/// Checkpoints that one request reads, or one script deletes, at most.
const CHUNK: usize = 500;

/// `clientPrefix index sequence json` → 1.
pub fn save(args: &Args, request: &mut Request) -> Result<(), Error> {
    let task = Task::of(args)?;
    let (sequence, json) = (args.bytes(2, "sequence")?, args.bytes(3, "checkpoint")?);
    request.script(&script::GO_GO_SCOPE_SAVE_CHECKPOINT, 3);
    task.key(request);
    request.parts(&[task.client, task.index, b":", sequence]);
    request.arg(sequence).parts(&[task.index, b":", sequence]).arg(json);
    Ok(())
}

/// `clientPrefix index` → the newest checkpoint, or nil.
pub fn load_latest(args: &Args, request: &mut Request) -> Result<(), Error> {
    let task = Task::of(args)?;
    request.script(&script::GO_GO_SCOPE_LOAD_LATEST, 1);
    task.key(request);
    request.arg(task.client);
    Ok(())
}

/// `clientPrefix index` → list of checkpoints in the order of the index, nil where one is gone.
pub async fn list(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let task = Task::of(&args)?;
    let mut request = Request::new(Repeat::Freely);
    request.command("ZRANGE", 3);
    task.key(&mut request);
    request.int(0).int(-1);
    let index = caller.call(request).await?;
    let members: Vec<_> = index.first()?.list().filter_map(Value::text).collect();
    let reads: Vec<_> = members
        .chunks(CHUNK)
        .map(|chunk| {
            let mut request = Request::new(Repeat::Freely);
            for member in chunk {
                // Not MGET, which hides that a key is of another type.
                request.command("GET", 1).parts(&[task.client, member]);
            }
            caller.call(request)
        })
        .collect();
    let mut reply = ReplyBuilder::new();
    reply.list(members.len());
    for read in reads {
        for value in read.await?.all()? {
            match value.text() {
                Some(json) => reply.text(json),
                None => reply.nil(),
            };
        }
    }
    Ok(reply)
}

/// `clientPrefix index keep` → 0. Deletes all but the newest.
pub async fn cleanup(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let task = Task::of(&args)?;
    let keep = args.bytes(2, "keepCount")?;
    loop {
        let mut request = Request::new(Repeat::Freely);
        request.script(&script::GO_GO_SCOPE_CLEANUP, 3);
        task.key(&mut request);
        request.arg(keep).arg(task.client).int(CHUNK as i64);
        if caller.call(request).await?.first()?.int() == Some(0) {
            let mut reply = ReplyBuilder::new();
            reply.int(0);
            return Ok(reply);
        }
    }
}

/// Whose checkpoints: the first two arguments of every operation here. The key of the index also begins those of the
/// checkpoints.
struct Task<'a> {
    client: &'a [u8],
    index: &'a [u8],
}

impl<'a> Task<'a> {
    fn of(args: &'a Args) -> Result<Self, Error> {
        Ok(Self { client: args.bytes(0, "clientPrefix")?, index: args.bytes(1, "index")? })
    }

    /// Writes the key of the index.
    fn key(&self, request: &mut Request) {
        request.parts(&[self.client, self.index]);
    }
}
