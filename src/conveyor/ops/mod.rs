//! The operations, one function each, and the table of them that TypeScript calls by number.

mod bulk;
mod dashboard;
mod flow;
mod lease;
mod listing;
mod metrics;
mod save;
mod search;
mod shared;
mod update;

use crate::redis::{Args, Caller, Deadline, Operation, Repeat, Request, Run, StepsFuture};

/// Jobs or ids that one script or one request works on at most: it keeps each stop of the server to a few
/// milliseconds.
const CHUNK: usize = 500;

/// Everything a store can ask for. Arguments are positional; the first is the key prefix.
pub const OPERATIONS: &[Operation] = &[
    once("conveyor.connect", dashboard::connect),
    once("conveyor.saveJob", save::save_job),
    steps("conveyor.saveBulk", Deadline::Bulk, |args, caller| Box::pin(save::save_bulk(args, caller))),
    steps("conveyor.saveFlow", Deadline::Bulk, |args, caller| Box::pin(save::save_flow(args, caller))),
    once("conveyor.getJob", listing::get_job),
    once("conveyor.updateJob", update::update_job),
    once("conveyor.removeJob", update::remove_job),
    once("conveyor.findByDeduplicationKey", listing::find_by_deduplication_key),
    steps("conveyor.fetchNextJob", Deadline::Call, |args, caller| {
        Box::pin(lease::fetch_next_job(args, caller))
    }),
    once("conveyor.extendLock", lease::extend_lock),
    once("conveyor.releaseLock", lease::release_lock),
    once("conveyor.countJobs", listing::count_jobs),
    once("conveyor.getGroupActiveCount", listing::get_group_active_count),
    once("conveyor.getWaitingGroupCount", listing::get_waiting_group_count),
    once("conveyor.getJobCounts", listing::get_job_counts),
    steps("conveyor.listJobs", Deadline::Bulk, |args, caller| Box::pin(listing::list_jobs(args, caller))),
    steps("conveyor.getNextDelayedTimestamp", Deadline::Call, |args, caller| {
        Box::pin(listing::get_next_delayed_timestamp(args, caller))
    }),
    steps("conveyor.promoteDelayedJobs", Deadline::Bulk, |args, caller| {
        Box::pin(bulk::promote_delayed_jobs(args, caller))
    }),
    once("conveyor.pauseJobName", update::pause_job_name),
    once("conveyor.resumeJobName", update::resume_job_name),
    once("conveyor.getPausedJobNames", listing::get_paused_job_names),
    steps("conveyor.getStalledJobs", Deadline::Bulk, |args, caller| {
        Box::pin(lease::get_stalled_jobs(args, caller))
    }),
    steps("conveyor.clean", Deadline::Bulk, |args, caller| Box::pin(bulk::clean(args, caller))),
    steps("conveyor.expireJobs", Deadline::Bulk, |args, caller| Box::pin(bulk::expire_jobs(args, caller))),
    steps("conveyor.drain", Deadline::Bulk, |args, caller| Box::pin(bulk::drain(args, caller))),
    steps("conveyor.retryJobs", Deadline::Bulk, |args, caller| Box::pin(bulk::retry_jobs(args, caller))),
    steps("conveyor.obliterate", Deadline::Bulk, |args, caller| Box::pin(bulk::obliterate(args, caller))),
    once("conveyor.notifyChildCompleted", flow::notify_child_completed),
    once("conveyor.failParentOnChildFailure", flow::fail_parent_on_child_failure),
    steps("conveyor.getChildrenJobs", Deadline::Bulk, |args, caller| {
        Box::pin(flow::get_children_jobs(args, caller))
    }),
    steps("conveyor.listQueues", Deadline::Bulk, |args, caller| {
        Box::pin(dashboard::list_queues(args, caller))
    }),
    steps("conveyor.findJobById", Deadline::Bulk, |args, caller| {
        Box::pin(dashboard::find_job_by_id(args, caller))
    }),
    once("conveyor.cancelJob", update::cancel_job),
    Operation { repeat: Repeat::Never, ..once("conveyor.publish", dashboard::publish) },
    steps("conveyor.getMetrics", Deadline::Bulk, |args, caller| Box::pin(metrics::get_metrics(args, caller))),
    steps("conveyor.aggregateMetrics", Deadline::Bulk, |args, caller| {
        Box::pin(metrics::aggregate_metrics(args, caller))
    }),
    steps("conveyor.searchByPayload", Deadline::Bulk, |args, caller| {
        Box::pin(search::search_by_payload(args, caller))
    }),
    steps("conveyor.searchByName", Deadline::Bulk, |args, caller| {
        Box::pin(search::search_by_name(args, caller))
    }),
    steps("conveyor.listFlowParents", Deadline::Bulk, |args, caller| {
        Box::pin(search::list_flow_parents(args, caller))
    }),
    steps("conveyor.searchJobs", Deadline::Bulk, |args, caller| Box::pin(search::search_jobs(args, caller))),
];

/// An operation of one round trip. Its script recognises a repeated call, or repeating it changes nothing.
const fn once(
    name: &'static str,
    run: fn(&Args, &mut Request) -> Result<(), crate::error::Error>,
) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline: Deadline::Call, run: Run::Once(run) }
}

/// An operation of several round trips.
const fn steps(name: &'static str, deadline: Deadline, run: fn(Args, Caller) -> StepsFuture) -> Operation {
    Operation { name, repeat: Repeat::Freely, deadline, run: Run::Steps(run) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let mut names: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), OPERATIONS.len());
        assert!(names.iter().all(|name| name.starts_with("conveyor.")));
    }

    #[test]
    fn only_publish_may_not_be_repeated() {
        let single: Vec<_> =
            OPERATIONS.iter().filter(|op| op.repeat == Repeat::Never).map(|op| op.name).collect();
        assert_eq!(single, ["conveyor.publish"]);
    }
}
