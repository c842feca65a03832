//! Leases: taking a job, keeping it, giving it back, and finding the ones that were lost.

use super::CHUNK;
use super::shared::{Jobs, Token, duration};
use crate::conveyor::keys::Queue;
use crate::conveyor::record::{State, millis, number, read_fields, texts};
use crate::error::{Code, Error};
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Value, script};

/// `P q inst n workerId lockMs lifo jobName? limiterMax? limiterMs? groupCap? excludedGroup…` →
/// list of the leased JOB or nil, and the ids that were put into quarantine.
///
/// One round trip, unless many ineligible jobs stand before the first eligible one.
pub async fn fetch_next_job(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let wish = Wish::of(&args)?;
    let mut quarantined = Vec::new();
    let mut place = Vec::new();
    loop {
        let frames = caller.call(wish.request(&place)).await?;
        let mut answer = frames.first()?.list();
        let job = answer.next().unwrap_or(Value::Nil);
        quarantined.extend(answer.next().map(|ids| texts(ids.list())).unwrap_or_default());
        if let Some(Value::Text(next)) = answer.next() {
            place = next.to_vec();
            continue;
        }
        let mut reply = ReplyBuilder::new();
        reply.list(2).value(job).list(quarantined.len());
        for id in &quarantined {
            reply.text(id);
        }
        return Ok(reply);
    }
}

/// What a worker asks for.
struct Wish<'a> {
    args: &'a Args,
    queue: Queue<'a>,
    token: Token<'a>,
    worker: &'a [u8],
    lock_ms: i64,
    /// `<max> <window ms>`, empty without a limiter.
    limiter: String,
    /// Empty without a cap.
    group_cap: String,
}

impl<'a> Wish<'a> {
    const LIFO: usize = 6;
    const JOB_NAME: usize = 7;
    const EXCLUDED: usize = 11;

    fn of(args: &'a Args) -> Result<Self, Error> {
        let limiter = match args.get(8).and_then(number) {
            Some(max) if max > 0.0 => {
                format!("{:.0} {}", max.ceil(), duration(args, 9, "rateLimit.duration")?)
            }
            _ => String::new(),
        };
        let group_cap = match args.get(10).and_then(number) {
            Some(cap) if cap >= 0.0 => format!("{:.0}", cap.ceil()),
            _ => String::new(),
        };
        Ok(Self {
            args,
            queue: Queue::of(args)?,
            token: Token::of(args, 2)?,
            worker: args.bytes(4, "workerId")?,
            lock_ms: duration(args, 5, "lockDuration")?,
            limiter,
            group_cap,
        })
    }

    /// The request for one window of jobs, from `place` on.
    fn request(&self, place: &[u8]) -> Request {
        let mut request = Request::new(Repeat::Freely);
        let excluded = self.args.len().saturating_sub(Self::EXCLUDED);
        request.script(&script::CONVEYOR_FETCH_NEXT_JOB, Token::ARGS + 8 + excluded);
        self.queue.base(&mut request);
        self.token.write(&mut request, 0);
        request.arg(self.worker).int(self.lock_ms);
        request.opt(self.args.get(Self::LIFO)).opt(self.args.get(Self::JOB_NAME));
        request.arg(self.limiter.as_bytes()).int(CHUNK as i64).arg(place).arg(self.group_cap.as_bytes());
        for group in self.args.rest(Self::EXCLUDED) {
            request.opt(group);
        }
        request
    }
}

/// `P q id durationMs owner? leasedAt?` → 1, or 0 when the job is not active or the lease is another's.
pub fn extend_lock(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let ms = duration(args, 3, "duration")?;
    let id = args.bytes(2, "jobId")?;
    request.script(&script::CONVEYOR_EXTEND_LOCK, 4);
    queue.base(request);
    request.arg(id).int(ms).opt(args.get(4)).opt(args.get(5));
    Ok(())
}

/// `P q id owner? leasedAt?` → 1, or 0 when the lease is another's.
pub fn release_lock(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let id = args.bytes(2, "jobId")?;
    request.script(&script::CONVEYOR_RELEASE_LOCK, 3);
    queue.base(request);
    request.arg(id).opt(args.get(3)).opt(args.get(4));
    Ok(())
}

/// `P q` → list of the active JOBs whose lease ran out, by the server's clock.
pub async fn get_stalled_jobs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let mut request = Request::new(Repeat::Freely);
    request.command("TIME", 0).command("SMEMBERS", 1);
    queue.index(&mut request, State::Active);
    let frames = caller.call(request).await?;
    let mut answers = frames.all()?;
    let now =
        answers.next().and_then(server_ms).ok_or_else(|| Error::new(Code::Internal, "TIME has no answer"))?;
    let ids = answers.next().map(|ids| texts(ids.list())).unwrap_or_default();

    let mut stalled = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for id in chunk {
            read_fields(&mut request, queue, id, &[b"state", b"lockUntil"]);
        }
        let frames = caller.call(request).await?;
        for (id, job) in chunk.iter().zip(frames.each()) {
            let mut fields = job.list();
            let active = fields.next().and_then(Value::text) == Some(State::Active.name().as_bytes());
            if active && millis(fields.next()).is_some_and(|until| until < now) {
                stalled.push(id.as_slice());
            }
        }
    }
    let mut reply = ReplyBuilder::new();
    Jobs::read(&caller, stalled.into_iter().map(|id| (queue, id))).await?.write(&mut reply);
    Ok(reply)
}

fn server_ms(time: Value<'_>) -> Option<f64> {
    let mut parts = time.list();
    let seconds = parts.next()?.int()?;
    let micros = parts.next()?.int()?;
    Some((seconds * 1000 + micros / 1000) as f64)
}
