//! What concerns the store as a whole: connecting, publishing, and the overview of all queues.

use super::CHUNK;
use super::listing::count;
use super::shared::{Jobs, queue_names};
use crate::conveyor::keys::{ALL_NAMES, Queue, events, schema};
use crate::conveyor::record::{Shape, State, millis};
use crate::error::Error;
use crate::redis::{Args, Caller, List, Repeat, ReplyBuilder, Request, Value, script};

/// What `P:schema` says.
const SCHEMA_VERSION: &[u8] = b"redis-v1";

/// Windows that are asked for in one round trip.
const WINDOWS: usize = 64;

/// `P` → `OK`.
pub fn connect(args: &Args, request: &mut Request) -> Result<(), Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    request.command("SET", 2);
    schema(request, prefix);
    request.arg(SCHEMA_VERSION);
    Ok(())
}

/// `P payload` → how many subscribers the server told.
pub fn publish(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, payload) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "event")?);
    request.command("PUBLISH", 2);
    events(request, prefix);
    request.arg(payload);
    Ok(())
}

/// `P id` → the first JOB with this id in any queue, or nil.
pub async fn find_job_by_id(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let id = args.bytes(1, "jobId")?;
    let names = queue_names(&caller, prefix).await?;
    let jobs = Jobs::read(&caller, names.iter().map(|name| (Queue { prefix, name }, id))).await?;
    let mut reply = ReplyBuilder::new();
    reply.value(jobs.iter().next().unwrap_or(Value::Nil));
    Ok(reply)
}

/// `P` → per queue, by name: `[name, six counts, whether all is paused, latest activity in ms or nil, how many repeat]`.
///
/// Costs as much as there are jobs in the queues, whatever else is in the database: ids come from the indexes, and of
/// the hashes only dates and options are read, by scripts of one chunk each.
pub async fn list_queues(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let mut names = queue_names(&caller, prefix).await?;
    names.sort_unstable();
    let mut overviews = Vec::with_capacity(names.len());
    for names in names.chunks(WINDOWS) {
        overviews.extend(Overview::read(&caller, prefix, names).await?);
    }
    let mut reply = ReplyBuilder::new();
    reply.list(names.len());
    for (name, overview) in names.iter().zip(&overviews) {
        overview.write(name, &mut reply);
    }
    Ok(reply)
}

/// What is known of one queue.
#[derive(Clone, Default)]
struct Overview {
    counts: [i64; State::ALL.len()],
    paused: bool,
    latest: Option<f64>,
    scheduled: i64,
}

impl Overview {
    /// One round trip for the counts of all these queues and the first window of each index, then one for every
    /// [`WINDOWS`] windows that are left.
    async fn read(caller: &Caller, prefix: &[u8], names: &[Vec<u8>]) -> Result<Vec<Self>, Error> {
        let mut request = Request::new(Repeat::Freely);
        for name in names {
            let queue = Queue { prefix, name };
            for state in State::ALL {
                count(&mut request, queue, state);
            }
            request.command("SISMEMBER", 2);
            queue.paused(&mut request);
            request.arg(ALL_NAMES);
            for state in State::ALL {
                Window::first(0, state).write(&mut request, queue);
            }
        }
        let frames = caller.call(request).await?;
        let mut answers = frames.all()?;
        let next_int = |answers: &mut List<'_>| answers.next().and_then(Value::int).unwrap_or(0);
        let mut overviews = vec![Self::default(); names.len()];
        let mut windows = Vec::new();
        for (owner, overview) in overviews.iter_mut().enumerate() {
            for count in &mut overview.counts {
                *count = next_int(&mut answers);
            }
            overview.paused = next_int(&mut answers) == 1;
            for (state, count) in State::ALL.into_iter().zip(overview.counts) {
                windows.extend(overview.note(&Window::first(owner, state), answers.next()));
                windows.extend(Window::rest(owner, state, count));
            }
        }
        while !windows.is_empty() {
            let now: Vec<_> = windows.drain(..windows.len().min(WINDOWS)).collect();
            let mut request = Request::new(Repeat::Freely);
            for window in &now {
                window.write(&mut request, Queue { prefix, name: &names[window.owner] });
            }
            let frames = caller.call(request).await?;
            for (window, answer) in now.iter().zip(frames.all()?) {
                windows.extend(overviews[window.owner].note(window, Some(answer)));
            }
        }
        Ok(overviews)
    }

    /// Notes the answer for a window, and returns the window of a set that follows it.
    fn note(&mut self, window: &Window, answer: Option<Value<'_>>) -> Option<Window> {
        let mut answer = answer?.list();
        if let Some(at) = millis(answer.next()) {
            self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
        }
        self.scheduled += answer.next().and_then(Value::int).unwrap_or(0);
        let cursor = answer.next().and_then(Value::text).filter(|cursor| *cursor != b"0")?;
        Some(Window { from: cursor.to_vec(), state: window.state, owner: window.owner })
    }

    fn write(&self, name: &[u8], reply: &mut ReplyBuilder) {
        reply.list(10).text(name);
        for count in self.counts {
            reply.int(count);
        }
        reply.int(i64::from(self.paused));
        match self.latest {
            Some(at) => reply.int(at as i64),
            None => reply.nil(),
        };
        reply.int(self.scheduled);
    }
}

/// A part of an index, for one call of the script.
struct Window {
    /// Which of the queues.
    owner: usize,
    state: State,
    /// An offset, or the cursor of a set.
    from: Vec<u8>,
}

impl Window {
    fn first(owner: usize, state: State) -> Self {
        Self { owner, state, from: b"0".to_vec() }
    }

    /// The windows after the first of an index of this length. Those of a set follow from each other instead.
    fn rest(owner: usize, state: State, len: i64) -> impl Iterator<Item = Self> {
        let len = if state.shape() == Shape::Set { 0 } else { usize::try_from(len).unwrap_or(0) };
        (CHUNK..len).step_by(CHUNK).map(move |from| Self {
            owner,
            state,
            from: from.to_string().into_bytes(),
        })
    }

    fn write(&self, request: &mut Request, queue: Queue<'_>) {
        let shape = match self.state.shape() {
            Shape::List => "list",
            Shape::Set => "set",
            Shape::Sorted => "zset",
        };
        request.script(&script::CONVEYOR_READ_ACTIVITY, 4);
        queue.index(request, self.state);
        queue.base(request);
        request.arg(shape.as_bytes()).arg(&self.from).int(CHUNK as i64);
    }
}
