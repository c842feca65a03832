//! The steps of a run together: by our index where it is complete, else by a walk through the database.

use super::shared::{CHUNK, SCAN_COUNT};
use super::{once, steps};
use crate::error::Error;
use crate::pikku::scan::Pattern;
use crate::pikku::{keys, workflow};
use crate::redis::{Args, Caller, Deadline, Frames, Operation, Repeat, ReplyBuilder, Request, Value, script};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    steps("pikku.listSteps", Deadline::Bulk, |args, caller| Box::pin(list_steps(args, caller))),
    steps("pikku.keepSteps", Deadline::Bulk, |args, caller| Box::pin(keep_steps(args, caller))),
    once("pikku.readGraph", read_graph),
    once("pikku.readNodes", read_nodes),
];

/// `P R mixed? history? field …` → list: for each step its name, a list of the fields, and with `history` the members
/// of its history. The first field is `stepId`. With `mixed` the index is not believed.
async fn list_steps(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let (prefix, run) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?);
    let mixed = args.get(2).is_some();
    let wish = Wish { prefix, run, history: args.get(3).is_some(), args: &args };
    if !mixed && let Some(pages) = wish.indexed(&caller).await? {
        return Ok(joined(pages.iter().map(|page| page.first().unwrap_or(Value::Nil).list().skip(2))));
    }
    let found = wish.scanned(&caller).await?;
    if !mixed {
        adopt(&caller, prefix, run, &found.names).await?;
    }
    Ok(found.reply)
}

/// What to read of the steps of a run.
struct Wish<'a> {
    prefix: &'a [u8],
    run: &'a [u8],
    history: bool,
    args: &'a Args,
}

/// What a walk has found.
struct Found {
    /// Names with the instants at which the steps were made.
    names: Vec<(Vec<u8>, Vec<u8>)>,
    reply: ReplyBuilder,
}

impl Wish<'_> {
    /// Place of the first field in the arguments.
    const FIELDS: usize = 4;

    fn step_stem(&self) -> Vec<u8> {
        [self.prefix, b":step:", self.run, b":"].concat()
    }

    fn fields(&self, request: &mut Request) {
        for field in self.args.rest(Self::FIELDS) {
            request.opt(field);
        }
    }

    const fn field_count(&self) -> usize {
        self.args.len().saturating_sub(Self::FIELDS)
    }

    /// Pages of the script's answers; `None` when the index has not all steps.
    async fn indexed(&self, caller: &Caller) -> Result<Option<Vec<Frames>>, Error> {
        let mut pages = Vec::new();
        loop {
            let mut request = Request::new(Repeat::Freely);
            request.script(&script::PIKKU_READ_STEPS, 5 + self.field_count());
            keys::run(&mut request, self.prefix, self.run);
            workflow::steps(&mut request, self.prefix, self.run);
            request.parts(&[self.prefix, b":step:", self.run, b":"]);
            if self.history {
                request.parts(&[self.prefix, b":step-history:"]);
            } else {
                request.arg(b"");
            }
            request.int((pages.len() * CHUNK) as i64).int(CHUNK as i64).arg(b"");
            self.fields(&mut request);
            let frames = caller.call(request).await?;
            let mut answer = frames.first()?.list();
            if answer.next().and_then(Value::int) != Some(1) {
                return Ok(None);
            }
            let all = answer.next().and_then(Value::int).unwrap_or(0);
            pages.push(frames);
            if (pages.len() * CHUNK) as i64 >= all {
                return Ok(Some(pages));
            }
        }
    }

    async fn scanned(&self, caller: &Caller) -> Result<Found, Error> {
        let stem = self.step_stem();
        let names = Pattern::of(&stem, b"").all(caller, SCAN_COUNT).await?;
        let mut rows = Vec::new();
        for chunk in names.chunks(CHUNK) {
            let mut request = Request::new(Repeat::Freely);
            for name in chunk {
                request.command("HMGET", 2 + self.field_count()).parts(&[&stem, name]);
                self.fields(&mut request);
                request.arg(b"createdAt");
            }
            rows.push(caller.call(request).await?);
        }
        // A key of another type is no step; nor is a row without a step id.
        let found: Vec<_> = names
            .iter()
            .zip(rows.iter().flat_map(Frames::each))
            .filter_map(|(name, row)| Some((name, row, row.list().next()?.text()?)))
            .collect();
        let mut members = Vec::new();
        if self.history {
            for chunk in found.chunks(CHUNK) {
                let mut request = Request::new(Repeat::Freely);
                for (_, _, id) in chunk {
                    request
                        .command("ZRANGE", 3)
                        .parts(&[self.prefix, b":step-history:", id])
                        .arg(b"0")
                        .arg(b"-1");
                }
                members.push(caller.call(request).await?);
            }
        }
        let mut members = members.iter().flat_map(Frames::each);
        let mut reply = ReplyBuilder::new();
        reply.list(found.len() * if self.history { 3 } else { 2 });
        for (name, row, _) in &found {
            reply.text(name).list(self.field_count());
            row.list().take(self.field_count()).for_each(|value| {
                reply.value(value);
            });
            if self.history {
                reply.value(members.next().unwrap_or(Value::Nil));
            }
        }
        let names = found.iter().map(|(name, row, _)| {
            let made = row.list().last().and_then(Value::text).unwrap_or_default();
            (made.to_vec(), (*name).clone())
        });
        Ok(Found { names: names.collect(), reply })
    }
}

/// One list of the values of all pages.
fn joined<'v>(pages: impl Iterator<Item = impl Iterator<Item = Value<'v>>>) -> ReplyBuilder {
    let values: Vec<_> = pages.flatten().collect();
    let mut reply = ReplyBuilder::new();
    reply.list(values.len());
    for value in values {
        reply.value(value);
    }
    reply
}

/// Makes an index for a run that others began: it is walked for once.
async fn adopt(
    caller: &Caller,
    prefix: &[u8],
    run: &[u8],
    names: &[(Vec<u8>, Vec<u8>)],
) -> Result<(), Error> {
    let last = names.len().div_ceil(CHUNK).max(1);
    for page in 1..=last {
        let chunk = names.get((page - 1) * CHUNK..(page * CHUNK).min(names.len())).unwrap_or_default();
        let mut request = Request::new(Repeat::Freely);
        request.script(&script::PIKKU_ADOPT_STEPS, 1 + 2 * chunk.len());
        keys::run(&mut request, prefix, run);
        workflow::steps(&mut request, prefix, run);
        request.arg(if page == last { b"1" } else { b"" });
        for (made, name) in chunk {
            let is_number = !made.is_empty() && made.iter().all(u8::is_ascii_digit);
            request.arg(if is_number { made } else { b"0" }).arg(name);
        }
        caller.call(request).await?.first()?;
    }
    Ok(())
}

/// `P R seconds` → how many steps: gives every step of a run and its history a time to live; -1 takes it away.
async fn keep_steps(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let (prefix, run) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?);
    let seconds = args.int(2, "seconds")?;
    let stem = [prefix, b":step:", run, b":"].concat();
    let names = Pattern::of(&stem, b"").all(&caller, SCAN_COUNT).await?;
    let keep = |request: &mut Request, key: &[&[u8]]| {
        if seconds < 0 {
            request.command("PERSIST", 1).parts(key);
        } else {
            request.command("EXPIRE", 2).parts(key).int(seconds);
        }
    };
    for chunk in names.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for name in chunk {
            request.command("HGET", 2).parts(&[&stem, name]).arg(b"stepId");
        }
        let ids = caller.call(request).await?;
        let mut request = Request::new(Repeat::Freely);
        for (name, id) in chunk.iter().zip(ids.each()) {
            keep(&mut request, &[&stem, name]);
            if let Some(id) = id.text() {
                keep(&mut request, &[prefix, b":step-history:", id]);
            }
        }
        caller.call(request).await?;
    }
    let mut reply = ReplyBuilder::new();
    reply.int(names.len() as i64);
    Ok(reply)
}

/// `P R field …` → list: 1, or 0 when the index has not all steps · how many steps there are · the run hash · for each of
/// the first [`CHUNK`] steps its name and a list of the fields. The first field is `stepId`.
fn read_graph(args: &Args, request: &mut Request) -> Result<(), Error> {
    const OWN: usize = 2;
    let (prefix, run) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?);
    request.script(&script::PIKKU_READ_STEPS, 5 + args.len().saturating_sub(OWN));
    keys::run(request, prefix, run);
    workflow::steps(request, prefix, run);
    request.parts(&[prefix, b":step:", run, b":"]).arg(b"").int(0).int(CHUNK as i64).arg(b"1");
    for field in args.rest(OWN) {
        request.opt(field);
    }
    Ok(())
}

/// `P R exists? S …` → list: for each name 1 or 0 with `exists`, else the result of a step that has succeeded with one,
/// and nil. A list of such lists for more than [`CHUNK`] names.
fn read_nodes(args: &Args, request: &mut Request) -> Result<(), Error> {
    const OWN: usize = 3;
    let (prefix, run) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "runId")?);
    for from in (OWN..args.len()).step_by(CHUNK) {
        let to = (from + CHUNK).min(args.len());
        request.script(&script::PIKKU_READ_NODES, 2 + to - from);
        keys::run(request, prefix, run);
        request.parts(&[prefix, b":step:", run, b":"]).opt(args.get(2));
        for index in from..to {
            request.opt(args.get(index));
        }
    }
    Ok(())
}
