//! Threads of agents, their messages and runs: read and deleted here, written elsewhere.

use super::shared::{CHUNK, SCAN_COUNT, on_key, read_hashes, texts};
use super::{once, steps};
use crate::error::Error;
use crate::pikku::keys;
use crate::pikku::scan::Pattern;
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, ReplyBuilder, Request, Value, script};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    steps("pikku.findThreads", Deadline::Bulk, |args, caller| Box::pin(find_threads(args, caller))),
    steps("pikku.readThreads", Deadline::Bulk, |args, caller| Box::pin(read_threads(args, caller))),
    once("pikku.getThreadMessages", get_thread_messages),
    steps("pikku.getThreadRuns", Deadline::Bulk, |args, caller| Box::pin(get_thread_runs(args, caller))),
    once("pikku.deleteThread", delete_thread),
    steps("pikku.getAgentNames", Deadline::Bulk, |args, caller| Box::pin(get_agent_names(args, caller))),
];

/// `P agentName?` → list of `id`, `resourceId` of each thread, one after another, the latest first.
async fn find_threads(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let ids = match args.get(1) {
        Some(agent) => threads_of_agent(&caller, prefix, agent).await?,
        None => all_threads(&caller, prefix).await?,
    };
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for id in chunk {
            request.command("HMGET", 3);
            keys::thread(&mut request, prefix, id);
            request.arg(b"id").arg(b"resourceId");
        }
        let frames = caller.call(request).await?;
        for (id, thread) in chunk.iter().zip(frames.all()?) {
            let mut fields = thread.list();
            if fields.next().and_then(Value::text).is_some_and(|id| !id.is_empty()) {
                let resource = fields.next().and_then(Value::text).unwrap_or_default();
                found.push((id, resource.to_vec()));
            }
        }
    }
    let mut reply = ReplyBuilder::new();
    reply.list(2 * found.len());
    for (id, resource) in found {
        reply.text(id).text(&resource);
    }
    Ok(reply)
}

async fn all_threads(caller: &Caller, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command("ZREVRANGE", 3);
    keys::threads(&mut request, prefix);
    request.arg(b"0").arg(b"-1");
    Ok(texts(caller.call(request).await?.first()?))
}

/// Ids that the index of all threads does not know are left out.
async fn threads_of_agent(caller: &Caller, prefix: &[u8], agent: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command("SMEMBERS", 1);
    keys::agent_threads(&mut request, prefix, agent);
    let ids = texts(caller.call(request).await?.first()?);
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        request.command("ZMSCORE", 1 + chunk.len());
        keys::threads(&mut request, prefix);
        for id in chunk {
            request.arg(id);
        }
        let frames = caller.call(request).await?;
        let places = frames.first()?.list();
        found.extend(chunk.iter().zip(places).filter_map(|(id, score)| Some((score_of(score)?, id.clone()))));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

fn score_of(score: Value<'_>) -> Option<f64> {
    match score {
        Value::Int(score) => Some(score as f64),
        score => std::str::from_utf8(score.text()?).ok()?.parse().ok(),
    }
}

/// `P id…` → list of the hashes, each a list of fields and values in turn, empty where there is none.
async fn read_threads(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let ids = (1..args.len()).map(|index| args.bytes(index, "threadId")).collect::<Result<Vec<_>, _>>()?;
    read_hashes(&caller, &ids, |request, id| keys::thread(request, prefix, id)).await
}

/// `P threadId` → list of the messages, the oldest first.
fn get_thread_messages(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_key(args, request, "ZRANGE", (keys::messages, "threadId"), &[b"0", b"-1"])
}

/// `P threadId` → list of the hashes of its runs, the latest first. Two round trips.
async fn get_thread_runs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let (prefix, id) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "threadId")?);
    let mut request = Request::new(Repeat::Freely);
    request.command("ZREVRANGE", 3);
    keys::thread_runs(&mut request, prefix, id);
    request.arg(b"0").arg(b"-1");
    let ids = texts(caller.call(request).await?.first()?);
    read_hashes(&caller, &ids, |request, id| keys::run(request, prefix, id)).await
}

/// `P threadId` → 1, or 0 when there is no such thread.
fn delete_thread(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, id) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "threadId")?);
    request.script(&script::PIKKU_DELETE_THREAD, 3);
    keys::thread(request, prefix, id);
    keys::messages(request, prefix, id);
    keys::thread_runs(request, prefix, id);
    keys::threads(request, prefix);
    request.arg(id);
    keys::run(request, prefix, b"");
    keys::agent_threads(request, prefix, b"");
    Ok(())
}

/// `P` → list of the agents that have a set of threads. Scans the database: there is no index of them.
async fn get_agent_names(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let agents = Pattern::agent_threads(args.bytes(0, "keyPrefix")?);
    let names = agents.all(&caller, SCAN_COUNT).await?;
    let mut reply = ReplyBuilder::new();
    reply.list(names.len());
    for name in &names {
        reply.text(name);
    }
    Ok(reply)
}
