//! What a scheduled task looks for: runs that nobody takes on, steps that nobody was told of, versions that agents made.
//!
//! By our side keys, which have the ids by the time of their last change: what they name is looked up before it is
//! believed. Where other processes write too (`mixed`), the whole database is walked through instead.

use std::collections::{HashMap, HashSet};

use super::shared::{CHUNK, SCAN_COUNT, texts};
use super::steps;
use crate::error::Error;
use crate::pikku::keys;
use crate::pikku::scan::Pattern;
use crate::pikku::workflow::{self, Step};
use crate::redis::{Args, Caller, Deadline, Frames, Operation, Repeat, ReplyBuilder, Request, Value};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    steps("pikku.stalledRuns", Deadline::Bulk, |args, caller| Box::pin(stalled_runs(args, caller))),
    steps("pikku.undispatchedSteps", Deadline::Bulk, |args, caller| {
        Box::pin(undispatched_steps(args, caller))
    }),
    steps("pikku.agentVersions", Deadline::Bulk, |args, caller| Box::pin(agent_versions(args, caller))),
];

/// What a sweep was asked for.
struct Sweep<'a> {
    prefix: &'a [u8],
    before: i64,
    limit: usize,
    mixed: bool,
}

impl<'a> Sweep<'a> {
    fn of(args: &'a Args) -> Result<Self, Error> {
        Ok(Self {
            prefix: args.bytes(0, "keyPrefix")?,
            before: args.int(1, "before")?,
            limit: usize::try_from(args.int(2, "limit")?).unwrap_or_default(),
            mixed: args.get(3).is_some(),
        })
    }

    /// The ids of a side key that are older than the bound, oldest first, a page of them.
    async fn page(
        &self,
        caller: &Caller,
        key: fn(&mut Request, &[u8]),
        from: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut request = Request::new(Repeat::Freely);
        request.command("ZRANGEBYSCORE", 6);
        key(&mut request, self.prefix);
        request.arg(b"-inf").parts(&[b"(", itoa::Buffer::new().format(self.before).as_bytes()]);
        request.arg(b"LIMIT").int(from as i64).int(CHUNK as i64);
        Ok(texts(caller.call(request).await?.first()?))
    }

    /// Takes ids out of a side key: what they name has moved on without it.
    async fn forget(
        &self,
        caller: &Caller,
        key: fn(&mut Request, &[u8]),
        ids: &[&[u8]],
    ) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut request = Request::new(Repeat::Freely);
        request.command("ZREM", 1 + ids.len());
        key(&mut request, self.prefix);
        for id in ids {
            request.arg(id);
        }
        caller.call(request).await?.first().map(|_| ())
    }

    /// Status and last change of runs; `None` for one that is not there.
    async fn runs(&self, caller: &Caller, ids: &[Vec<u8>]) -> Result<Vec<Option<Row>>, Error> {
        rows(caller, ids, [b"id", b"status", b"updatedAt"], |request, id| keys::run(request, self.prefix, id))
            .await
    }

    /// Status and last change of steps.
    async fn steps(&self, caller: &Caller, stems: &[Vec<u8>]) -> Result<Vec<Option<Row>>, Error> {
        rows(caller, stems, [b"stepId", b"status", b"updatedAt"], |request, stem| {
            request.parts(&[self.prefix, b":step:", stem]);
        })
        .await
    }
}

/// What a sweep has to know of a run or a step.
struct Row {
    id: Vec<u8>,
    status: Vec<u8>,
    updated: i64,
}

async fn rows(
    caller: &Caller,
    ids: &[Vec<u8>],
    fields: [&[u8]; 3],
    key: impl Fn(&mut Request, &[u8]),
) -> Result<Vec<Option<Row>>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for id in chunk {
            request.command("HMGET", 1 + fields.len());
            key(&mut request, id);
            for field in fields {
                request.arg(field);
            }
        }
        found.extend(caller.call(request).await?.each().map(|row| {
            let mut values = row.list();
            let id = values.next()?.text()?.to_vec();
            let status = values.next()?.text()?.to_vec();
            let updated = values.next().and_then(Value::int).unwrap_or_default();
            Some(Row { id, status, updated })
        }));
    }
    Ok(found)
}

/// `P beforeMs limit mixed?` → ids of running runs without a step that somebody is at or is going to be, in which nothing
/// has happened since, oldest first.
async fn stalled_runs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let sweep = Sweep::of(&args)?;
    let mut stalled: Vec<(i64, Vec<u8>)> = Vec::new();
    if sweep.mixed {
        let ids = Pattern::of(sweep.prefix, b":run:").all(&caller, SCAN_COUNT).await?;
        let stems = Pattern::of(sweep.prefix, b":step:").all(&caller, SCAN_COUNT).await?;
        let mut activity = Activity::default();
        for (stem, row) in stems.iter().zip(sweep.steps(&caller, &stems).await?) {
            let run = Step::of_id(sweep.prefix, stem).run;
            activity.note(run, row);
        }
        for row in sweep.runs(&caller, &ids).await?.into_iter().flatten() {
            stalled.extend(activity.stalled(row, sweep.before));
        }
    } else {
        let mut from = 0;
        while stalled.len() < sweep.limit {
            let ids = sweep.page(&caller, workflow::active_runs, from).await?;
            let rows = sweep.runs(&caller, &ids).await?;
            let mut gone: Vec<&[u8]> = Vec::new();
            for (id, row) in ids.iter().zip(rows) {
                match row {
                    Some(row) if row.status == b"running" => {
                        if row.updated < sweep.before {
                            let mut activity = Activity::default();
                            for step in steps_of(&sweep, &caller, id).await? {
                                activity.note(id, step);
                            }
                            stalled.extend(activity.stalled(row, sweep.before));
                        }
                    }
                    _ => gone.push(id),
                }
            }
            sweep.forget(&caller, workflow::active_runs, &gone).await?;
            if ids.len() < CHUNK {
                break;
            }
            from += ids.len() - gone.len();
        }
    }
    stalled.sort_unstable();
    stalled.truncate(sweep.limit);
    Ok(list_of(stalled.iter().map(|(_, id)| id.as_slice())))
}

/// The steps of a run, by our index.
async fn steps_of(sweep: &Sweep<'_>, caller: &Caller, run: &[u8]) -> Result<Vec<Option<Row>>, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command("ZRANGE", 3);
    workflow::steps(&mut request, sweep.prefix, run);
    request.arg(b"0").arg(b"-1");
    let names = texts(caller.call(request).await?.first()?);
    let stems: Vec<_> = names.iter().map(|name| [run, b":", name].concat()).collect();
    sweep.steps(caller, &stems).await
}

/// What the steps of runs say about them.
#[derive(Default)]
struct Activity {
    /// Runs with a step that somebody is at, or is going to be.
    busy: HashSet<Vec<u8>>,
    /// The last change of a step.
    last: HashMap<Vec<u8>, i64>,
}

impl Activity {
    fn note(&mut self, run: &[u8], step: Option<Row>) {
        let Some(step) = step else { return };
        if [&b"running"[..], b"scheduled", b"suspended"].contains(&step.status.as_slice()) {
            self.busy.insert(run.to_vec());
        }
        let last = self.last.entry(run.to_vec()).or_default();
        *last = step.updated.max(*last);
    }

    /// The run with its last change, if it is stalled.
    fn stalled(&self, run: Row, before: i64) -> Option<(i64, Vec<u8>)> {
        let last = self.last.get(&run.id).copied().unwrap_or_default().max(run.updated);
        (run.status == b"running" && last < before && !self.busy.contains(&run.id)).then_some((last, run.id))
    }
}

/// `P beforeMs limit mixed?` → ids of steps of running runs that have been pending since before, oldest first.
async fn undispatched_steps(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let sweep = Sweep::of(&args)?;
    let mut waiting: Vec<(i64, Vec<u8>)> = Vec::new();
    if sweep.mixed {
        let stems = Pattern::of(sweep.prefix, b":step:").all(&caller, SCAN_COUNT).await?;
        let rows = sweep.steps(&caller, &stems).await?;
        let pending: Vec<Row> =
            rows.into_iter().flatten().filter(|step| is_waiting(step, sweep.before)).collect();
        let ids: Vec<_> =
            pending.iter().map(|step| Step::of_id(sweep.prefix, &step.id).run.to_vec()).collect();
        for (step, run) in pending.iter().zip(sweep.runs(&caller, &ids).await?) {
            if run.is_some_and(|run| run.status == b"running") {
                waiting.push((step.updated, step.id.clone()));
            }
        }
    } else {
        let mut from = 0;
        while waiting.len() < sweep.limit {
            let ids = sweep.page(&caller, workflow::pending_steps, from).await?;
            let of = |id| Step::of_id(sweep.prefix, id);
            let stems: Vec<_> = ids.iter().map(|id| [of(id).run, b":", of(id).name].concat()).collect();
            let runs: Vec<_> = ids.iter().map(|id| of(id).run.to_vec()).collect();
            let found = sweep.steps(&caller, &stems).await?;
            let runs = sweep.runs(&caller, &runs).await?;
            let mut gone: Vec<&[u8]> = Vec::new();
            for ((id, step), run) in ids.iter().zip(found).zip(runs) {
                let state = run.as_ref().map_or(&b"gone"[..], |run| &run.status);
                let pending = step.filter(|step| step.id == *id && step.status == b"pending");
                match (pending, state) {
                    (Some(step), b"running") if step.updated < sweep.before => {
                        waiting.push((step.updated, step.id));
                    }
                    // A suspended run may go on.
                    (Some(_), b"running" | b"suspended") => {}
                    _ => gone.push(id),
                }
            }
            sweep.forget(&caller, workflow::pending_steps, &gone).await?;
            if ids.len() < CHUNK {
                break;
            }
            from += ids.len() - gone.len();
        }
    }
    waiting.sort_unstable();
    waiting.truncate(sweep.limit);
    Ok(list_of(waiting.iter().map(|(_, id)| id.as_slice())))
}

fn is_waiting(step: &Row, before: i64) -> bool {
    step.status == b"pending" && step.updated < before
}

/// `P agent?` → list of lists of name, hash and graph of the active versions that agents have made.
async fn agent_versions(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let family =
        args.get(1).map_or_else(|| b":version:ai:".to_vec(), |agent| [b":version:ai:", agent, b":"].concat());
    let names = Pattern::of(prefix, &family).all(&caller, SCAN_COUNT).await?;
    let mut pages: Vec<Frames> = Vec::new();
    for chunk in names.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for name in chunk {
            request.command("HMGET", 6).parts(&[prefix, &family, name]);
            for field in [&b"workflowName"[..], b"graphHash", b"graph", b"source", b"status"] {
                request.arg(field);
            }
        }
        pages.push(caller.call(request).await?);
    }
    let versions: Vec<_> = pages
        .iter()
        .flat_map(Frames::each)
        .filter(|row| {
            let mut last = row.list().skip(3);
            last.next() == Some(Value::Text(b"ai-agent")) && last.next() == Some(Value::Text(b"active"))
        })
        .collect();
    let mut reply = ReplyBuilder::new();
    reply.list(versions.len());
    for version in versions {
        reply.list(3);
        for value in version.list().take(3) {
            reply.value(value);
        }
    }
    Ok(reply)
}

fn list_of<'a>(ids: impl ExactSizeIterator<Item = &'a [u8]>) -> ReplyBuilder {
    let mut reply = ReplyBuilder::new();
    reply.list(ids.len());
    for id in ids {
        reply.text(id);
    }
    reply
}
