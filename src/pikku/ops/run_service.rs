//! Runs as a dashboard sees them: listed, counted up by name, deleted.
//!
//! Upstream's processes keep no index of runs, so ours (`P:runs`) is believed for as long as [`TRUST_SECONDS`] after a walk
//! through the database has completed it: what they begin is listed that much later at most.

use std::collections::{BTreeSet, HashSet};

use super::shared::{CHUNK, SCAN_COUNT, read_hashes, texts};
use super::steps;
use crate::error::Error;
use crate::pikku::scan::Pattern;
use crate::pikku::{keys, workflow};
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, ReplyBuilder, Request, Value, script};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    steps("pikku.findRuns", Deadline::Bulk, |args, caller| Box::pin(find_runs(args, caller))),
    steps("pikku.readRuns", Deadline::Bulk, |args, caller| Box::pin(read_runs(args, caller))),
    steps("pikku.getWorkflowNames", Deadline::Bulk, |args, caller| {
        Box::pin(get_workflow_names(args, caller))
    }),
    steps("pikku.findVersions", Deadline::Bulk, |args, caller| Box::pin(find_versions(args, caller))),
    steps("pikku.deleteRun", Deadline::Bulk, |args, caller| Box::pin(delete_run(args, caller))),
];

/// How long the index of runs is believed after a walk.
const TRUST_SECONDS: i64 = 60;

/// Steps that one script deletes at most.
const STEPS: i64 = 500;

/// What is looked at of a run before it is listed.
struct Row {
    id: Vec<u8>,
    workflow: Vec<u8>,
    status: Vec<u8>,
    created: f64,
}

/// `P mixed? workflow? status? most` → list of the ids of at most `most` runs, the newest first.
async fn find_runs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let runs = Runs::of(&args, &caller)?;
    let (workflow, status) = (args.get(2), args.get(3));
    let most = usize::try_from(args.int(4, "limit")?).unwrap_or(0);
    let mut found: Vec<Vec<u8>> = Vec::new();
    let wanted = |row: &Row| {
        workflow.is_none_or(|name| name == row.workflow) && status.is_none_or(|status| status == row.status)
    };
    runs.visit(|row| {
        if found.len() < most && wanted(&row) {
            found.push(row.id);
        }
        found.len() < most
    })
    .await?;
    Ok(listed(found.iter()))
}

/// `P id…` → list of the hashes of runs, each a list of fields and values in turn, empty where there is none.
async fn read_runs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let ids = (1..args.len()).map(|index| args.bytes(index, "runId")).collect::<Result<Vec<_>, _>>()?;
    read_hashes(&caller, &ids, |request, id| keys::run(request, prefix, id)).await
}

/// `P mixed?` → list of the names of all workflows that have runs.
async fn get_workflow_names(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let mut names = BTreeSet::new();
    let runs = Runs::of(&args, &caller)?;
    runs.visit(|row| {
        if !row.workflow.is_empty() {
            names.insert(row.workflow);
        }
        true
    })
    .await?;
    Ok(listed(names.iter()))
}

/// The runs of a prefix.
struct Runs<'a> {
    caller: &'a Caller,
    prefix: &'a [u8],
    /// Upstream's processes are at work on the same prefix, and nothing may be missed: the index is not used.
    mixed: bool,
}

impl<'a> Runs<'a> {
    fn of(args: &'a Args, caller: &'a Caller) -> Result<Self, Error> {
        Ok(Self { caller, prefix: args.bytes(0, "keyPrefix")?, mixed: args.get(1).is_some() })
    }

    /// Shows all runs, the newest first, for as long as `more` says so.
    async fn visit(&self, mut more: impl FnMut(Row) -> bool) -> Result<(), Error> {
        if !self.mixed && self.by_index(&mut more).await? {
            return Ok(());
        }
        let mut rows = self.by_walk().await?;
        rows.sort_by(|a, b| b.created.total_cmp(&a.created));
        if !self.mixed {
            self.enter(&rows).await?;
        }
        for row in rows {
            if !more(row) {
                break;
            }
        }
        Ok(())
    }

    /// False when the index cannot be believed; nothing was shown then.
    async fn by_index(&self, more: &mut impl FnMut(Row) -> bool) -> Result<bool, Error> {
        let mut seen = HashSet::new();
        let mut start = 0;
        loop {
            let mut request = Request::new(Repeat::Freely);
            request.command("EXISTS", 1);
            keys::runs_complete(&mut request, self.prefix);
            request.command("ZREVRANGE", 3);
            keys::runs(&mut request, self.prefix);
            request.int(start).int(start + CHUNK as i64 - 1);
            let frames = self.caller.call(request).await?;
            let mut answers = frames.all()?;
            let is_complete = answers.next().and_then(Value::int) == Some(1);
            if start == 0 && !is_complete {
                return Ok(false);
            }
            let ids = texts(answers.next().unwrap_or(Value::Nil));
            let rows = self.read(&ids).await?;
            let there: HashSet<_> = rows.iter().map(|row| row.id.clone()).collect();
            let gone: Vec<_> = ids.iter().filter(|id| !there.contains(*id)).collect();
            self.forget(&gone).await?;
            // A run that is begun meanwhile moves the others on by a place.
            if !rows.into_iter().filter(|row| seen.insert(row.id.clone())).all(&mut *more)
                || ids.len() < CHUNK
            {
                return Ok(true);
            }
            start += (CHUNK - gone.len()) as i64;
        }
    }

    async fn by_walk(&self) -> Result<Vec<Row>, Error> {
        let ids = Pattern::runs(self.prefix).all(self.caller, SCAN_COUNT).await?;
        let mut rows = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            rows.append(&mut self.read(chunk).await?);
        }
        Ok(rows)
    }

    /// Those of the runs that are there: a key of another type is none, nor is a hash without an id.
    async fn read(&self, ids: &[Vec<u8>]) -> Result<Vec<Row>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut request = Request::new(Repeat::Freely);
        for id in ids {
            request.command("HMGET", 5);
            keys::run(&mut request, self.prefix, id);
            request.arg(b"id").arg(b"workflow").arg(b"status").arg(b"createdAt");
        }
        let frames = self.caller.call(request).await?;
        let rows = ids.iter().zip(frames.each()).filter_map(|(id, fields)| {
            let mut fields = fields.list().map(|field| field.text().unwrap_or_default().to_vec());
            fields.next().filter(|id| !id.is_empty())?;
            let (workflow, status) = (fields.next()?, fields.next()?);
            let created = std::str::from_utf8(&fields.next()?).ok().and_then(|text| text.parse().ok());
            Some(Row { id: id.clone(), workflow, status, created: created.unwrap_or(0.0) })
        });
        Ok(rows.collect())
    }

    /// Completes the index. A user who may only read goes without.
    async fn enter(&self, rows: &[Row]) -> Result<(), Error> {
        for chunk in rows.chunks(CHUNK) {
            let mut request = Request::new(Repeat::Freely);
            request.command("ZADD", 1 + 2 * chunk.len());
            keys::runs(&mut request, self.prefix);
            for row in chunk {
                request.arg(row.created.to_string().as_bytes()).arg(&row.id);
            }
            if matches!(self.caller.call(request).await?.each().next(), Some(Value::Error(_))) {
                return Ok(());
            }
        }
        let mut request = Request::new(Repeat::Freely);
        request.command("SET", 4);
        keys::runs_complete(&mut request, self.prefix);
        request.arg(b"1").arg(b"EX").int(TRUST_SECONDS);
        self.caller.call(request).await.map(drop)
    }

    /// Takes runs off the index that are there no more: deleted by others, or expired.
    async fn forget(&self, ids: &[&Vec<u8>]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut request = Request::new(Repeat::Freely);
        request.command("ZREM", 1 + ids.len());
        keys::runs(&mut request, self.prefix);
        for id in ids {
            request.arg(id);
        }
        self.caller.call(request).await.map(drop)
    }
}

/// `P namePrefix` → list: of each stored version of a workflow whose name begins so, its `workflowName`, `graphHash`,
/// `graph`, `source` and `status`, each text or nil. Walks through the database.
async fn find_versions(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let (prefix, name) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "name")?);
    let family = [b":version:", name].concat();
    let ids = Pattern::of(prefix, &family).all(&caller, SCAN_COUNT).await?;
    let mut chunks = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for id in chunk {
            request.command("HMGET", 6).parts(&[prefix, &family, id]);
            request.arg(b"workflowName").arg(b"graphHash").arg(b"graph").arg(b"source").arg(b"status");
        }
        chunks.push(caller.call(request).await?);
    }
    let mut reply = ReplyBuilder::new();
    reply.list(ids.len());
    for frames in &chunks {
        for version in frames.all()? {
            reply.value(version);
        }
    }
    Ok(reply)
}

/// `P R mixed?` → 1, or 0 when there is no such run. One round trip for each [`STEPS`] steps where the run's own index
/// names them all; else a walk through the database comes first.
async fn delete_run(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    const WALK_FIRST: i64 = 2;
    const MORE: i64 = 3;
    let (prefix, run) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?);
    let mut believe: &[u8] = if args.get(2).is_some() { b"nothing" } else { b"marker" };
    loop {
        let mut request = Request::new(Repeat::Freely);
        request.script(&script::PIKKU_DELETE_RUN, 5);
        keys::run(&mut request, prefix, run);
        workflow::run_state(&mut request, prefix, run);
        workflow::steps(&mut request, prefix, run);
        keys::runs(&mut request, prefix);
        workflow::active_runs(&mut request, prefix);
        workflow::pending_steps(&mut request, prefix);
        request.arg(run).parts(&[prefix, b":step:", run, b":"]).parts(&[prefix, b":step-history:"]);
        request.arg(believe).int(STEPS);
        match caller.call(request).await?.first()?.int().unwrap_or(0) {
            WALK_FIRST => {
                for family in [&b":step:"[..], b":step-history:"] {
                    unlink_walked(&caller, prefix, family, run).await?;
                }
                believe = b"index";
            }
            MORE => {}
            done => {
                let mut reply = ReplyBuilder::new();
                reply.int(done);
                return Ok(reply);
            }
        }
    }
}

/// Deletes the keys of a run in one family.
async fn unlink_walked(caller: &Caller, prefix: &[u8], family: &[u8], run: &[u8]) -> Result<(), Error> {
    let stem = [prefix, family, run, b":"].concat();
    let ids = Pattern::of(&stem, b"").all(caller, SCAN_COUNT).await?;
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        request.command("UNLINK", chunk.len());
        for id in chunk {
            request.parts(&[&stem, id]);
        }
        caller.call(request).await?.first()?;
    }
    Ok(())
}

fn listed<'t>(texts: impl ExactSizeIterator<Item = &'t Vec<u8>>) -> ReplyBuilder {
    let mut reply = ReplyBuilder::new();
    reply.list(texts.len());
    for text in texts {
        reply.text(text);
    }
    reply
}
