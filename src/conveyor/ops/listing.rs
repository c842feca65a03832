//! Reading jobs and counts of one queue.

use super::CHUNK;
use super::shared::{Jobs, position, slice_range};
use crate::conveyor::keys::Queue;
use crate::conveyor::record::{Shape, State, millis, read_fields, read_job, texts};
use crate::error::Error;
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Value, script};

/// `P q id` → JOB, all 28 nil when there is no such job.
pub fn get_job(args: &Args, request: &mut Request) -> Result<(), Error> {
    read_job(request, Queue::of(args)?, args.bytes(2, "jobId")?);
    Ok(())
}

/// `P q key` → the JOB that owns the deduplication key, or nil.
pub fn find_by_deduplication_key(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let key = args.bytes(2, "deduplicationKey")?;
    request.script(&script::CONVEYOR_FIND_BY_DEDUPLICATION_KEY, 1);
    queue.base(request);
    request.arg(key);
    Ok(())
}

/// `P q state` → the length of the state's index.
pub fn count_jobs(args: &Args, request: &mut Request) -> Result<(), Error> {
    count(request, Queue::of(args)?, State::of(args, 2)?);
    Ok(())
}

/// `P q` → six counts, in the order of [`State::ALL`] as [`get_job_counts`] reports them: waiting,
/// waiting-children, delayed, active, completed, failed.
pub fn get_job_counts(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    for state in State::ALL {
        count(request, queue, state);
    }
    Ok(())
}

/// Adds the command that counts a state's index.
pub fn count(request: &mut Request, queue: Queue<'_>, state: State) {
    request.command(state.count_command(), 1);
    queue.index(request, state);
}

/// `P q groupId` → active jobs of the group.
pub fn get_group_active_count(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let group = args.bytes(2, "groupId")?;
    request.command("SCARD", 1);
    queue.group(request, group, b"active");
    Ok(())
}

/// `P q groupId` → waiting jobs of the group.
pub fn get_waiting_group_count(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let group = args.bytes(2, "groupId")?;
    request.command("ZCARD", 1);
    queue.group(request, group, b"waiting");
    Ok(())
}

/// `P q` → the paused job names.
pub fn get_paused_job_names(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    request.command("SMEMBERS", 1);
    queue.paused(request);
    Ok(())
}

/// `P q` → when the next delayed job is due, as text in ms, or nil.
pub async fn get_next_delayed_timestamp(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let mut request = Request::new(Repeat::Freely);
    request.command("ZRANGE", 4);
    queue.index(&mut request, State::Delayed);
    request.arg(b"0").arg(b"0").arg(b"WITHSCORES");
    let frames = caller.call(request).await?;
    let mut reply = ReplyBuilder::new();
    reply.value(last_text(frames.first()?).unwrap_or(Value::Nil));
    Ok(reply)
}

/// The last text in a reply, however nested: RESP3 puts member and score into a list of their own.
fn last_text(value: Value<'_>) -> Option<Value<'_>> {
    match value {
        Value::List(list) => list.filter_map(last_text).last(),
        Value::Text(_) => Some(value),
        _ => None,
    }
}

/// `P q state start end` → list of JOB. `end` is exclusive.
///
/// Waiting and waiting-children in the order of their list, completed and failed newest first, delayed and active by
/// `createdAt`; for these two, `start` and `end` mean what they mean to JavaScript's `slice`.
pub async fn list_jobs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let state = State::of(&args, 2)?;
    let (start, end) = (position(&args, 3, "start")?, position(&args, 4, "end")?);
    let ids = match state {
        _ if end <= start => Vec::new(),
        State::Delayed | State::Active => {
            let ids = by_creation(&caller, queue, state).await?;
            let range = slice_range(ids.len(), start, end);
            ids[range].to_vec()
        }
        _ => page(&caller, queue, state, whole(start, "start")?, whole(end, "end")? - 1).await?,
    };
    let mut reply = ReplyBuilder::new();
    Jobs::read(&caller, ids.iter().map(|id| (queue, id.as_slice()))).await?.write(&mut reply);
    Ok(reply)
}

fn whole(bound: f64, name: &str) -> Result<i64, Error> {
    if bound.fract() == 0.0 { Ok(bound as i64) } else { Err(Error::argument(name, "must be a whole number")) }
}

async fn page(
    caller: &Caller,
    queue: Queue<'_>,
    state: State,
    from: i64,
    to: i64,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command(if state.shape() == Shape::List { "LRANGE" } else { "ZREVRANGE" }, 3);
    queue.index(&mut request, state);
    request.int(from).int(to);
    Ok(texts(caller.call(request).await?.first()?.list()))
}

/// All ids of a state whose job is there, the oldest job first.
async fn by_creation(caller: &Caller, queue: Queue<'_>, state: State) -> Result<Vec<Vec<u8>>, Error> {
    let mut request = Request::new(Repeat::Freely);
    if state.shape() == Shape::Set {
        request.command("SMEMBERS", 1);
        queue.index(&mut request, state);
    } else {
        request.command("ZRANGE", 3);
        queue.index(&mut request, state);
        request.arg(b"0").arg(b"-1");
    }
    let ids = texts(caller.call(request).await?.first()?.list());
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for id in chunk {
            read_fields(&mut request, queue, id, &[b"createdAt", b"id"]);
        }
        let frames = caller.call(request).await?;
        for (id, job) in chunk.iter().zip(frames.each()) {
            let mut fields = job.list();
            let created = millis(fields.next()).unwrap_or(0.0);
            if fields.next().is_some_and(|id| id != Value::Nil) {
                found.push((created, id.clone()));
            }
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(found.into_iter().map(|(_, id)| id).collect())
}
