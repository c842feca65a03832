//! Parents and their children.

use super::shared::{Jobs, Token, write_jobs};
use crate::conveyor::keys::Queue;
use crate::conveyor::record::{field, millis, texts};
use crate::error::Error;
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, script};

/// `P parentQueue inst n parentId` → the parent's state afterwards, `completed` without a parent.
pub fn notify_child_completed(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let token = Token::of(args, 2)?;
    let parent = args.bytes(4, "parentId")?;
    request.script(&script::CONVEYOR_NOTIFY_CHILD_COMPLETED, Token::ARGS + 1);
    queue.base(request);
    token.write(request, 0);
    request.arg(parent);
    Ok(())
}

/// `P parentQueue parentId reason` → 1 failed, 0 no parent that could be failed.
pub fn fail_parent_on_child_failure(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let (parent, reason) = (args.bytes(2, "parentId")?, args.bytes(3, "reason")?);
    request.script(&script::CONVEYOR_FAIL_PARENT_ON_CHILD_FAILURE, 2);
    queue.base(request);
    request.arg(parent).arg(reason);
    Ok(())
}

/// `P parentQueue parentId` → list of JOB, oldest first.
pub async fn get_children_jobs(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let parent = args.bytes(2, "parentId")?;
    let mut request = Request::new(Repeat::Freely);
    request.command("SMEMBERS", 1);
    queue.children(&mut request, parent);
    let links = texts(caller.call(request).await?.first()?.list());
    let children = links.iter().filter_map(|link| {
        let end = memchr::memchr(0, link)?;
        Some((Queue { prefix: queue.prefix, name: &link[..end] }, &link[end + 1..]))
    });
    let jobs = Jobs::read(&caller, children).await?;
    let mut found: Vec<_> = jobs.iter().collect();
    found.sort_by(|a, b| {
        let created =
            |job: &crate::redis::Value<'_>| millis(job.list().nth(field::CREATED_AT)).unwrap_or(0.0);
        created(a).total_cmp(&created(b))
    });
    let mut reply = ReplyBuilder::new();
    write_jobs(&found, &mut reply);
    Ok(reply)
}
