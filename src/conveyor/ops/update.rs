//! Changing and removing single jobs, and pausing by name.

use super::shared::{Token, optional_number};
use crate::conveyor::keys::{Queue, events};
use crate::conveyor::record::FIELDS;
use crate::error::Error;
use crate::redis::{Args, Request, script};

/// Fields without which nobody can decode a job: they can be changed but not cleared.
const REQUIRED: [&[u8]; 4] = [b"id", b"queueName", b"name", b"state"];

/// `P q inst n id owner? leasedAt? sweepLockUntil? metrics priority? nExpected expected…`, then pairs `field value?`,
/// an absent value clearing the field → 1 done · 0 no such job, or a sweep that came too late · -1 delayed without
/// delayUntil · -2 the lease is another's · the current state when it is not an expected one.
///
/// Fields that are none of a job's, and clearing a required one, are ignored.
pub fn update_job(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let token = Token::of(args, 2)?;
    let id = args.bytes(4, "jobId")?;
    optional_number(args, 9, "opts.priority")?;
    let expected = usize::try_from(args.int(10, "number of expected states")?).unwrap_or_default();
    let pairs = || {
        (11 + expected..args.len())
            .step_by(2)
            .filter_map(|at| Some((args.get(at)?, args.get(at + 1))))
            .filter(|(field, value)| FIELDS.contains(field) && (value.is_some() || !REQUIRED.contains(field)))
    };
    let set = pairs().filter(|(_, value)| value.is_some()).count();
    let cleared = pairs().count() - set;

    request.script(&script::CONVEYOR_UPDATE_JOB, Token::ARGS + 8 + expected + 2 * set + cleared);
    queue.base(request);
    token.write(request, 0);
    request.arg(id);
    for at in 5..10 {
        request.opt(args.get(at));
    }
    request.int(expected as i64).int(2 * set as i64);
    for at in 11..11 + expected {
        request.opt(args.get(at));
    }
    for (field, value) in pairs() {
        if let Some(value) = value {
            request.arg(field).arg(value);
        }
    }
    for (field, _) in pairs().filter(|(_, value)| value.is_none()) {
        request.arg(field);
    }
    Ok(())
}

/// `P q id` → 1 removed, 0 no such job.
pub fn remove_job(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let id = args.bytes(2, "jobId")?;
    request.script(&script::CONVEYOR_REMOVE_JOB, 3);
    queue.base(request);
    request.arg(queue.prefix).arg(queue.name).arg(id);
    Ok(())
}

/// `P q id nowMs event` → 1 cancelled and told, 0 not active.
pub fn cancel_job(args: &Args, request: &mut Request) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let (id, now, event) = (args.bytes(2, "jobId")?, args.bytes(3, "cancelledAt")?, args.bytes(4, "event")?);
    request.script(&script::CONVEYOR_CANCEL_JOB, 4);
    queue.base(request);
    request.arg(id).arg(now);
    events(request, queue.prefix);
    request.arg(event);
    Ok(())
}

/// `P q name` → how many names were added: 0 or 1.
pub fn pause_job_name(args: &Args, request: &mut Request) -> Result<(), Error> {
    change_paused(args, request, "SADD")
}

/// `P q name` → how many names were taken away: 0 or 1.
pub fn resume_job_name(args: &Args, request: &mut Request) -> Result<(), Error> {
    change_paused(args, request, "SREM")
}

fn change_paused(args: &Args, request: &mut Request, command: &str) -> Result<(), Error> {
    let queue = Queue::of(args)?;
    let name = args.bytes(2, "jobName")?;
    request.command(command, 2);
    queue.paused(request);
    request.arg(name);
    Ok(())
}
