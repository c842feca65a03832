//! Whole states at once: promoting, retrying, cleaning, draining, obliterating. Each goes by bounded scripts, one
//! round trip per chunk, and ends after the jobs that were there when it began: what arrives meanwhile is not chased.

use super::CHUNK;
use super::shared::{Token, client_ms, optional_number, queue_names};
use crate::conveyor::keys::{Queue, registry};
use crate::conveyor::record::State;
use crate::error::Error;
use crate::redis::keyspace::{beginning_with, remove_matching};
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Value, script};

/// `P q inst n bound` → how many delayed jobs due at `bound` (ms, or `+inf`) were promoted.
pub async fn promote_delayed_jobs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let token = Token::of(&args, 2)?;
    let bound = args.bytes(4, "timestamp")?;
    if !bound.eq_ignore_ascii_case(b"+inf") {
        optional_number(&args, 4, "timestamp")?;
    }
    let mut progress = Progress::default();
    while progress.goes_on() {
        let mut request = Request::new(Repeat::Freely);
        request.script(&script::CONVEYOR_PROMOTE_DELAYED_JOBS, Token::ARGS + 2);
        queue.base(&mut request);
        token.write(&mut request, progress.steps);
        request.arg(bound).int(CHUNK as i64);
        let frames = caller.call(request).await?;
        let (promoted, left) = pair(frames.first()?);
        progress.add(promoted, CHUNK as i64, left);
    }
    Ok(progress.reply())
}

/// `P q inst n state` → how many jobs of the state (completed or failed) were sent back to waiting.
pub async fn retry_jobs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let token = Token::of(&args, 2)?;
    let state = State::of(&args, 4)?;
    if !matches!(state, State::Completed | State::Failed) {
        return Err(Error::argument("state", "must be completed or failed"));
    }
    let mut progress = Progress::default();
    while progress.goes_on() {
        let mut request = Request::new(Repeat::Freely);
        request.script(&script::CONVEYOR_RETRY_JOBS, Token::ARGS + 2);
        queue.base(&mut request);
        token.write(&mut request, progress.steps);
        request.arg(state.name().as_bytes()).int(CHUNK as i64);
        let frames = caller.call(request).await?;
        let (moved, left) = pair(frames.first()?);
        progress.add(moved, moved, left);
    }
    Ok(progress.reply())
}

/// `P q state graceMs` → how many jobs of the state, not younger than that, were removed.
pub async fn clean(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let state = State::of(&args, 2)?;
    let grace = optional_number(&args, 3, "grace")?.ok_or_else(|| Error::argument("grace", "is missing"))?;
    let bound = format!("{:.0}", (client_ms() - grace).floor());
    let mut reply = ReplyBuilder::new();
    reply.int(remove_until(&caller, queue, state, &bound).await?);
    Ok(reply)
}

/// `P q` → how many finished jobs were removed because they have the age that their own options give them.
pub async fn expire_jobs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let mut expired = 0;
    for state in [State::Completed, State::Failed] {
        let (mut place, mut more) = (Vec::new(), true);
        while more {
            let mut request = Request::new(Repeat::Freely);
            request.script(&script::CONVEYOR_EXPIRE_JOBS, 5);
            queue.base(&mut request);
            request.arg(queue.prefix).arg(queue.name).arg(state.name().as_bytes());
            request.int(CHUNK as i64).arg(&place);
            let frames = caller.call(request).await?;
            let mut answer = frames.first()?.list();
            let mut next = || answer.next().and_then(Value::int).unwrap_or(0);
            expired += next();
            more = next() == 1;
            place = answer.next().and_then(Value::text).unwrap_or_default().to_vec();
        }
    }
    let mut reply = ReplyBuilder::new();
    reply.int(expired);
    Ok(reply)
}

/// `P q` → how many waiting, waiting-children and delayed jobs were removed: all of them.
pub async fn drain(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let mut removed = 0;
    for state in [State::Waiting, State::WaitingChildren, State::Delayed] {
        removed += remove_until(&caller, queue, state, "+inf").await?;
    }
    let mut reply = ReplyBuilder::new();
    reply.int(removed);
    Ok(reply)
}

async fn remove_until(caller: &Caller, queue: Queue<'_>, state: State, bound: &str) -> Result<i64, Error> {
    let mut progress = Progress::default();
    let mut place = b"0".to_vec();
    while progress.goes_on() {
        let mut request = Request::new(Repeat::Freely);
        request.script(&script::CONVEYOR_CLEAN_JOBS, 6);
        queue.base(&mut request);
        request.arg(queue.prefix).arg(queue.name).arg(state.name().as_bytes());
        request.arg(bound.as_bytes()).int(CHUNK as i64).arg(&place);
        let frames = caller.call(request).await?;
        let mut answer = frames.first()?.list();
        let mut next = || answer.next().and_then(Value::int).unwrap_or(0);
        let (removed, seen, left) = (next(), next(), next());
        place = answer.next().and_then(Value::text).unwrap_or(b"0").to_vec();
        // A set is read by a cursor, which is back at 0 when all of it was seen.
        let left = if state == State::Active && place == b"0" { 0 } else { left };
        progress.add(removed, seen.max(1), left);
    }
    Ok(progress.done)
}

/// How far an operation on a whole state has come.
#[derive(Default)]
struct Progress {
    steps: usize,
    /// What is counted for the caller.
    done: i64,
    /// Index entries that the first chunk left, less those dealt with since.
    owed: i64,
    finished: bool,
}

impl Progress {
    const fn goes_on(&self) -> bool {
        !self.finished
    }

    /// Notes a chunk: what counts, how many entries it dealt with, how many the index still has.
    const fn add(&mut self, counted: i64, dealt: i64, left: i64) {
        self.owed = if self.steps == 0 { left } else { self.owed - dealt };
        self.steps += 1;
        self.done += counted;
        self.finished = left <= 0 || self.owed <= 0;
    }

    fn reply(self) -> ReplyBuilder {
        let mut reply = ReplyBuilder::new();
        reply.int(self.done);
        reply
    }
}

fn pair(answer: Value<'_>) -> (i64, i64) {
    let mut numbers = answer.list().map(|number| number.int().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// `P q force` → 1 done, -3 active jobs exist and `force` is 0.
///
/// The indexes go first and at once, then every other key of the queue: one SCAN of the database in large steps,
/// because jobs, keys and links that no index names must go as well.
pub async fn obliterate(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let mut request = Request::new(Repeat::Freely);
    request.script(&script::CONVEYOR_OBLITERATE, 1);
    queue.base(&mut request);
    request.opt(args.get(2));
    let frames = caller.call(request).await?;
    let outcome = frames.first()?.int().unwrap_or(0);
    if outcome == 1 {
        let others = overlapping(&caller, queue).await?;
        let stem = queue.stem();
        let is_own = |key: &[u8]| !others.iter().any(|other| key.starts_with(other));
        remove_matching(&caller, &beginning_with(&stem), is_own).await?;
        let mut request = Request::new(Repeat::Freely);
        request.command("SREM", 2);
        registry(&mut request, queue.prefix);
        request.arg(queue.name);
        caller.call(request).await?.first()?;
    }
    let mut reply = ReplyBuilder::new();
    reply.int(outcome);
    Ok(reply)
}

/// Key stems of other queues that begin like this queue's own: a queue `a}:b` has keys that begin with `{P:a}:`.
async fn overlapping(caller: &Caller, queue: Queue<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let own = queue.stem();
    let names = queue_names(caller, queue.prefix).await?;
    let stems = names.iter().map(|name| Queue { prefix: queue.prefix, name }.stem());
    Ok(stems.filter(|stem| stem.len() > own.len() && stem.starts_with(&own)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_ends_after_what_was_there_at_its_beginning() {
        let mut progress = Progress::default();
        progress.add(500, 500, 700);
        assert!(progress.goes_on());
        progress.add(500, 500, 900);
        assert!(progress.goes_on(), "200 of the first 1200 are left");
        progress.add(500, 500, 5000);
        assert!(!progress.goes_on(), "the rest arrived meanwhile");
        assert_eq!(progress.done, 1500);
    }
}
