//! Searching: ids from the indexes, a few fields of each job, the comparison here, and only the page is read whole.

use std::collections::HashSet;

use super::CHUNK;
use super::shared::{Jobs, optional_number, position, queue_names, slice_range};
use crate::conveyor::keys::Queue;
use crate::conveyor::record::{Shape, State, millis, read_fields, texts};
use crate::error::Error;
use crate::redis::{Args, Caller, Frames, List, Repeat, ReplyBuilder, Request, Value};

/// Ids of one index that are asked for at a time.
const PAGE: usize = 5_000;

/// `P q query limit` → list of JOB whose payload text contains the query, in any case; the oldest first.
pub async fn search_by_payload(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let needle = args.text(2, "query")?.to_lowercase();
    let limit = position(&args, 3, "limit")?;
    let search = Search { prefix: queue.prefix, fields: &[b"data"], states: State::ALL.to_vec() };
    // A job without payload is searched as what JSON makes of it.
    let hit =
        |mut fields: List<'_>| contains(fields.next().and_then(Value::text).unwrap_or(b"null"), &needle);
    let mut found = search.run(&caller, vec![queue.name.to_vec()], hit).await?;
    found.sort_by(|a, b| a.created.total_cmp(&b.created));
    found.truncate(slice_range(found.len(), 0.0, limit).len());
    page(&caller, queue.prefix, &found).await
}

/// `P query q? limit` → list of JOB whose name contains the query, in any case; the newest first.
pub async fn search_by_name(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let needle = args.text(1, "query")?.to_lowercase();
    let queues = queues(&caller, prefix, args.get(2)).await?;
    let limit = position(&args, 3, "limit")?;
    let search = Search { prefix, fields: &[b"name"], states: State::ALL.to_vec() };
    let mut found = search.run(&caller, queues, |mut fields| named(fields.next(), &needle)).await?;
    newest_first(&mut found);
    found.truncate(slice_range(found.len(), 0.0, limit).len());
    page(&caller, prefix, &found).await
}

/// `P state? limit` → list of JOB that have children; the newest first.
pub async fn list_flow_parents(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let states = args
        .get(1)
        .map_or_else(|| Ok(State::ALL.to_vec()), |_| State::of(&args, 1).map(|state| vec![state]))?;
    let limit = position(&args, 2, "limit")?;
    let queues = queues(&caller, prefix, None).await?;
    let search = Search { prefix, fields: &[b"childrenIds"], states };
    let is_parent = |mut fields: List<'_>| {
        !matches!(fields.next().and_then(Value::text), None | Some(b"[]" | b"" | b"null"))
    };
    let mut found = search.run(&caller, queues, is_parent).await?;
    newest_first(&mut found);
    found.truncate(slice_range(found.len(), 0.0, limit).len());
    page(&caller, prefix, &found).await
}

/// `P q? name? createdAfterMs? createdBeforeMs? start end state…` → list of how many jobs match all that is given,
/// and the JOBs from `start` to before `end`, the newest first.
pub async fn search_jobs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let needle = args.get(2).map(|_| args.text(2, "name")).transpose()?.unwrap_or_default().to_lowercase();
    let after = optional_number(&args, 3, "createdAfter")?.unwrap_or(f64::NEG_INFINITY);
    let before = optional_number(&args, 4, "createdBefore")?.unwrap_or(f64::INFINITY);
    let (start, end) = (position(&args, 5, "start")?, position(&args, 6, "end")?);
    let mut states = (7..args.len()).map(|index| State::of(&args, index)).collect::<Result<Vec<_>, _>>()?;
    if states.is_empty() {
        states = State::ALL.to_vec();
    }
    let queues = queues(&caller, prefix, args.get(1)).await?;
    let search = Search { prefix, fields: &[b"name"], states };
    let mut found = search.run(&caller, queues, |mut fields| named(fields.next(), &needle)).await?;
    found.retain(|hit| (after..=before).contains(&hit.created));
    newest_first(&mut found);
    let range = slice_range(found.len(), start, end);
    let jobs = Jobs::read(&caller, found[range].iter().map(|hit| hit.place(prefix))).await?;
    let mut reply = ReplyBuilder::new();
    reply.list(2).int(found.len() as i64);
    jobs.write(&mut reply);
    Ok(reply)
}

/// The one queue that was named, or all of them.
async fn queues(caller: &Caller, prefix: &[u8], name: Option<&[u8]>) -> Result<Vec<Vec<u8>>, Error> {
    match name {
        Some(name) => Ok(vec![name.to_vec()]),
        None => queue_names(caller, prefix).await,
    }
}

fn named(name: Option<Value<'_>>, needle: &str) -> bool {
    name.and_then(Value::text).is_some_and(|name| contains(name, needle))
}

/// Whether the text contains the needle, which is in lower case already.
fn contains(text: &[u8], needle: &str) -> bool {
    needle.is_empty()
        || memchr::memmem::find(String::from_utf8_lossy(text).to_lowercase().as_bytes(), needle.as_bytes())
            .is_some()
}

fn newest_first(found: &mut [Hit]) {
    found.sort_by(|a, b| b.created.total_cmp(&a.created));
}

async fn page(caller: &Caller, prefix: &[u8], found: &[Hit]) -> Result<ReplyBuilder, Error> {
    let mut reply = ReplyBuilder::new();
    Jobs::read(caller, found.iter().map(|hit| hit.place(prefix))).await?.write(&mut reply);
    Ok(reply)
}

/// A job that was found.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Place {
    queue: Vec<u8>,
    id: Vec<u8>,
}

struct Hit {
    place: Place,
    created: f64,
}

impl Hit {
    fn place<'a>(&'a self, prefix: &'a [u8]) -> (Queue<'a>, &'a [u8]) {
        (Queue { prefix, name: &self.place.queue }, &self.place.id)
    }
}

/// What to look through, and what to read of each job besides its date.
struct Search<'a> {
    prefix: &'a [u8],
    fields: &'a [&'a [u8]],
    states: Vec<State>,
}

impl Search<'_> {
    /// All jobs of the queues in one of the states for which `hit` says yes; a job that changes its state meanwhile
    /// is found once.
    async fn run(
        &self,
        caller: &Caller,
        queues: Vec<Vec<u8>>,
        hit: impl Fn(List<'_>) -> bool,
    ) -> Result<Vec<Hit>, Error> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for name in queues {
            let queue = Queue { prefix: self.prefix, name: &name };
            let mut from = 0;
            let mut states = self.states.clone();
            while !states.is_empty() {
                let pages = self.ids(caller, queue, &states, from).await?;
                for ids in pages.all()?.map(|ids| texts(ids.list())) {
                    for chunk in ids.chunks(CHUNK) {
                        let frames = self.read(caller, queue, chunk).await?;
                        for (id, job) in chunk.iter().zip(frames.each()) {
                            let mut fields = job.list();
                            let (here, created) = (fields.next(), millis(fields.next()).unwrap_or(0.0));
                            let known = here.is_some_and(|id| id != Value::Nil);
                            let place = Place { queue: name.clone(), id: id.clone() };
                            if known && hit(fields) && seen.insert(place.clone()) {
                                found.push(Hit { place, created });
                            }
                        }
                    }
                }
                let full: Vec<_> = states
                    .iter()
                    .zip(pages.all()?)
                    .filter(|(state, ids)| state.shape() != Shape::Set && ids.list().len() == PAGE)
                    .map(|(state, _)| *state)
                    .collect();
                states = full;
                from += PAGE;
            }
        }
        Ok(found)
    }

    /// One page of ids of each state, in one round trip.
    async fn ids(
        &self,
        caller: &Caller,
        queue: Queue<'_>,
        states: &[State],
        from: usize,
    ) -> Result<Frames, Error> {
        let mut request = Request::new(Repeat::Freely);
        for state in states {
            let (command, args) = match state.shape() {
                Shape::List => ("LRANGE", 3),
                Shape::Sorted => ("ZRANGE", 3),
                Shape::Set => ("SMEMBERS", 1),
            };
            request.command(command, args);
            queue.index(&mut request, *state);
            if args == 3 {
                request.int(from as i64).int((from + PAGE - 1) as i64);
            }
        }
        caller.call(request).await
    }

    async fn read(&self, caller: &Caller, queue: Queue<'_>, ids: &[Vec<u8>]) -> Result<Frames, Error> {
        let fields = [&[&b"id"[..], b"createdAt"], self.fields].concat();
        let mut request = Request::new(Repeat::Freely);
        for id in ids {
            read_fields(&mut request, queue, id, &fields);
        }
        caller.call(request).await
    }
}
