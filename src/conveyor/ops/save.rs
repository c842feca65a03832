//! Saving jobs: one, many, or a flow.

use super::CHUNK;
use super::shared::{Token, client_ms};
use crate::conveyor::keys::{Queue, registry};
use crate::conveyor::record::{FIELDS, State, field, number, texts};
use crate::error::{Code, Error};
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Script, script};

/// `P q inst n dedupTtlMs? priority JOB28` → the id of the job, or of the live owner of its deduplication key.
pub fn save_job(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let token = Token::of(args, 2)?;
    let draft = Draft::new(args, queue, 4)?;
    if request.is_to_cluster() {
        within_one_slot(queue, std::slice::from_ref(&draft))?;
    }
    begin(request, &script::CONVEYOR_SAVE_JOB, queue, Token::ARGS + draft.args());
    token.write(request, 0);
    draft.write(request);
    Ok(())
}

/// `P q inst n`, then `dedupTtlMs? priority JOB28` per job → the ids, in the order of the jobs.
pub async fn save_bulk(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let token = Token::of(&args, 2)?;
    let drafts =
        rows(&args, 4, Draft::ROW)?.map(|at| Draft::new(&args, queue, at)).collect::<Result<Vec<_>, _>>()?;
    check(&caller, &drafts)?;
    let mut ids = Vec::with_capacity(drafts.len());
    for (step, chunk) in drafts.chunks(CHUNK).enumerate() {
        ids.push(save_chunk(&caller, token, step, chunk).await?);
    }
    Ok(id_list(ids.iter().flatten()))
}

/// `P inst n`, then `queueName dedupTtlMs? priority JOB28` per job, children before their parents → the ids, in the
/// order of the jobs.
///
/// A flow of one chunk is saved by one script. A larger one is saved from its end, so that every parent is there
/// before a child of it can end; sent again after a failure it continues where it stopped.
pub async fn save_flow(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let token = Token::of(&args, 1)?;
    let drafts = rows(&args, 3, Draft::ROW + 1)?
        .map(|at| Draft::new(&args, Queue { prefix, name: args.bytes(at, "queueName")? }, at + 1))
        .collect::<Result<Vec<_>, _>>()?;
    check(&caller, &drafts)?;
    let mut ids = Vec::with_capacity(drafts.len());
    for (step, chunk) in drafts.chunks(CHUNK).enumerate().rev() {
        ids.push(save_chunk(&caller, token, step, chunk).await?);
    }
    Ok(id_list(ids.iter().rev().flatten()))
}

async fn save_chunk(
    caller: &Caller,
    token: Token<'_>,
    step: usize,
    chunk: &[Draft<'_>],
) -> Result<Vec<Vec<u8>>, Error> {
    let mut request = caller.request(Repeat::Freely);
    let queue = chunk[0].queue;
    let args = Token::ARGS + chunk.iter().map(Draft::args).sum::<usize>();
    begin(&mut request, &script::CONVEYOR_SAVE_JOBS, queue, args);
    token.write(&mut request, step);
    for draft in chunk {
        draft.write(&mut request);
    }
    let frames = caller.call(request).await?;
    let ids = texts(frames.first()?.list());
    if ids.len() == chunk.len() {
        Ok(ids)
    } else {
        Err(Error::new(Code::Internal, "a save was answered with too few ids"))
    }
}

/// Begins a script that saves jobs, with its keys. In a cluster the registry of queue names lies in another slot than
/// the queue, so that a command of its own writes it.
fn begin(request: &mut Request, script: &Script, queue: Queue<'_>, args: usize) {
    let apart = request.is_to_cluster();
    if apart {
        request.command("SADD", 2);
        registry(request, queue.prefix);
        request.arg(queue.name).leave_out();
    }
    request.script(script, args);
    queue.base(request);
    if apart {
        queue.base(request);
    } else {
        registry(request, queue.prefix);
    }
}

/// Before the first command: whether one connection can save all of them.
fn check(caller: &Caller, drafts: &[Draft<'_>]) -> Result<(), Error> {
    match drafts.first() {
        Some(first) if caller.is_to_cluster() => within_one_slot(first.queue, drafts),
        _ => Ok(()),
    }
}

/// # Errors
/// When the jobs, or their parents, are of other queues than `queue`: in a cluster they lie on other nodes.
fn within_one_slot(queue: Queue<'_>, drafts: &[Draft<'_>]) -> Result<(), Error> {
    let strays = drafts.iter().any(|draft| {
        let parent = draft.field(field::PARENT_QUEUE_NAME).unwrap_or_default();
        draft.queue.name != queue.name || !(parent.is_empty() || parent == queue.name)
    });
    if strays {
        let message = "in a cluster a job and its parent must be of the same queue";
        return Err(Error::new(Code::Unsupported, message));
    }
    Ok(())
}

fn id_list<'a>(ids: impl Iterator<Item = &'a Vec<u8>> + Clone) -> ReplyBuilder {
    let mut reply = ReplyBuilder::new();
    reply.list(ids.clone().count());
    for id in ids {
        reply.text(id);
    }
    reply
}

/// Where each row of `width` arguments begins.
fn rows(args: &Args, first: usize, width: usize) -> Result<impl Iterator<Item = usize>, Error> {
    if args.len() < first || !(args.len() - first).is_multiple_of(width) {
        return Err(Error::argument("jobs", "must be whole rows of fields"));
    }
    Ok((first..args.len()).step_by(width))
}

/// A job about to be saved: `dedupTtlMs? priority JOB28` in the arguments of a call.
struct Draft<'a> {
    args: &'a Args,
    queue: Queue<'a>,
    at: usize,
}

impl<'a> Draft<'a> {
    /// Arguments of one job.
    const ROW: usize = 2 + FIELDS.len();
    /// Arguments of the script besides fields and values.
    const HEAD: usize = 12;

    fn new(args: &'a Args, queue: Queue<'a>, at: usize) -> Result<Self, Error> {
        let draft = Self { args, queue, at };
        draft.field(field::ID).ok_or_else(|| Error::argument("id", "is missing"))?;
        Ok(draft)
    }

    fn field(&self, field: usize) -> Option<&'a [u8]> {
        self.args.get(self.at + 2 + field)
    }

    fn fields(&self) -> impl Iterator<Item = (&'static [u8], &'a [u8])> {
        FIELDS.into_iter().enumerate().filter_map(|(index, name)| Some((name, self.field(index)?)))
    }

    /// How many script arguments the job takes.
    fn args(&self) -> usize {
        Self::HEAD + 2 * self.fields().count()
    }

    /// What the reservation of the deduplication key has left, in the script's terms: empty for ever, `0` nothing.
    fn reservation(&self) -> String {
        let Some(ttl) = self.args.get(self.at).and_then(number).filter(|ttl| *ttl > 0.0) else {
            return String::new();
        };
        let now = client_ms();
        let age = now - self.field(field::CREATED_AT).and_then(number).unwrap_or(now);
        format!("{:.0}", (ttl - age.max(0.0)).max(0.0).ceil())
    }

    /// The score of the state's index; empty for the time of writing.
    fn score(&self) -> &'a [u8] {
        let state = self.field(field::STATE).and_then(State::parse);
        let score = match state {
            Some(State::Delayed) => self.field(field::DELAY_UNTIL).or_else(|| self.field(field::CREATED_AT)),
            Some(State::Completed) => self.field(field::COMPLETED_AT),
            Some(State::Failed) => self.field(field::FAILED_AT),
            _ => None,
        };
        score.unwrap_or_default()
    }

    fn write(&self, request: &mut Request) {
        let text = |field: usize| self.field(field).unwrap_or_default();
        let priority = self.args.get(self.at + 1).filter(|text| number(text).is_some());
        let key = text(field::DEDUPLICATION_KEY);
        self.queue.base(request);
        request.arg(self.queue.name);
        request.arg(if key.is_empty() { String::new() } else { self.reservation() }.as_bytes());
        request.arg(priority.unwrap_or(b"0")).arg(text(field::ID)).arg(text(field::STATE)).arg(self.score());
        request.arg(text(field::GROUP_ID)).arg(text(field::CREATED_AT)).arg(key);
        let (parent, parent_queue) = (text(field::PARENT_ID), text(field::PARENT_QUEUE_NAME));
        if parent.is_empty() || parent_queue.is_empty() {
            request.arg(b"");
        } else {
            Queue { prefix: self.queue.prefix, name: parent_queue }.children(request, parent);
        }
        request.int(2 * self.fields().count() as i64);
        for (name, value) in self.fields() {
            request.arg(name).arg(value);
        }
    }
}
