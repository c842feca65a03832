//! promoteDelayedJobs, retryJobs, clean, drain, obliterate, and plain listing.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Job, Store, When};

fn many(count: usize, make: impl Fn(usize, Job) -> Job) -> Vec<Job> {
    (0..count).map(|n| make(n, Job::new(&format!("j{n:04}")).with("createdAt", 1000 + n))).collect()
}

#[test]
fn due_jobs_are_promoted_in_chunks_and_in_order() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    assert_eq!(
        store.trips(|store| assert_eq!(store.tokened("promoteDelayedJobs", &["10"]), Reply::Int(0))),
        1
    );
    store.save_bulk(&many(1200, |n, job| {
        job.with("state", "delayed").with("delayUntil", 5000 - n).with("groupId", "g")
    }));
    store.client.command(&["ZADD", "{p:q}:delayed", "1", "ghost"]);
    assert_eq!(store.plain("getNextDelayedTimestamp", &[]).text(), "1");
    let trips =
        store.trips(|store| assert_eq!(store.tokened("promoteDelayedJobs", &["4999.5"]), Reply::Int(1199)));
    assert_eq!(trips, 3);
    assert_eq!(store.counts(), [1199, 0, 1, 0, 0, 0]);
    assert_eq!(store.client.command(&["EXISTS", "{p:q}:job:ghost"]), Reply::Int(0), "no hash is made up");
    assert_eq!(store.plain("getWaitingGroupCount", &["g"]), Reply::Int(1199));
    assert_eq!(store.list_ids("waiting")[0], "j1199", "the earliest first");
    assert_eq!(store.get("j1199").unwrap().get("delayUntil"), None);
    assert_eq!(store.tokened("promoteDelayedJobs", &["+inf"]), Reply::Int(1));
    assert_eq!(store.plain("getNextDelayedTimestamp", &[]), Reply::Nil);
}

#[test]
fn a_repeated_promotion_counts_what_the_first_one_did() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("state", "delayed").with("delayUntil", "5"));
    assert_eq!(store.tokened("promoteDelayedJobs", &["+inf"]), Reply::Int(1));
    store.repeat_last();
    store.save_and_keep_call(&Job::new("b").with("state", "delayed").with("delayUntil", "5"));
    assert_eq!(
        store.tokened("promoteDelayedJobs", &["+inf"]),
        Reply::Int(2),
        "and goes on with what came since"
    );
}

#[test]
fn finished_jobs_are_retried_in_chunks() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_bulk(&many(1001, |n, job| {
        job.with("state", "failed")
            .with("failedAt", n)
            .with("failedReason", "x")
            .with("attemptsMade", "3")
            .with("returnvalue", "1")
            .with("processedAt", "1")
            .with("progress", "9")
            .with("stacktrace", "[\"s\"]")
            .with("cancelledAt", "4")
    }));
    store.client.command(&["ZADD", "{p:q}:failed", "0", "ghost"]);
    let trips = store.trips(|store| assert_eq!(store.tokened("retryJobs", &["failed"]), Reply::Int(1002)));
    assert_eq!(trips, 3);
    assert_eq!(store.counts(), [1001, 0, 0, 0, 0, 0]);
    assert_eq!(store.list_ids("waiting")[0], "j0000");
    let expected = Job::new("j0000").with("cancelledAt", "4");
    assert_eq!(store.get("j0000"), Some(expected), "as new, but what the original leaves alone stays");
    assert_eq!(store.tokened("retryJobs", &["completed"]), Reply::Int(0));
}

#[test]
fn cleaning_removes_what_is_old_enough_and_counts_it() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let now = store.server_ms();
    for state in ["completed", "failed", "waiting", "waiting-children", "delayed", "active"] {
        store.client.command(&["FLUSHALL"]);
        store.save_bulk(&many(1300, |n, job| {
            let at = if n % 3 == 0 { now + 60_000 } else { now - 60_000 };
            let job =
                job.with("state", state).with("createdAt", at).with("processedAt", at).with("groupId", "g");
            job.with("completedAt", at).with("failedAt", at).with("delayUntil", now)
        }));
        let trips =
            store.trips(|store| assert_eq!(store.plain("clean", &[state, "0"]), Reply::Int(866), "{state}"));
        assert!(trips <= 4, "{state}: {trips} round trips");
        let left = store.list_ids(state);
        assert_eq!(left.len(), 434);
        assert!(left.contains(&"j0000".to_owned()) && left.contains(&"j1299".to_owned()));
        assert_eq!(store.client.command(&["KEYS", "{p:q}:job:*"]).list().len(), 434);
        let grouped = store.plain("getWaitingGroupCount", &["g"]).int()
            + store.plain("getGroupActiveCount", &["g"]).int();
        assert_eq!(grouped, if matches!(state, "waiting" | "active") { 434 } else { 0 });
        if state == "waiting" {
            let sorted = {
                let mut ids = left.clone();
                ids.sort();
                ids
            };
            assert_eq!(left, sorted, "the order of the list is kept");
        }
    }
    assert!(store.try_plain("clean", &["asleep", "0"]).is_err());
}

#[test]
fn cleaning_counts_no_stale_entry_and_drops_it() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.client.command(&["ZADD", "{p:q}:completed", "1", "ghost"]);
    store.client.command(&["RPUSH", "{p:q}:waiting", "ghost"]);
    store.save(&Job::new("elsewhere").with("state", "failed"));
    store.client.command(&["ZADD", "{p:q}:completed", "1", "elsewhere"]);
    assert_eq!(store.plain("clean", &["completed", "0"]), Reply::Int(0));
    assert_eq!(store.plain("clean", &["waiting", "0"]), Reply::Int(0));
    assert_eq!(store.counts(), [0, 0, 0, 0, 0, 1]);
}

#[test]
fn draining_leaves_active_and_finished_jobs() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for (at, state) in
        ["waiting", "waiting-children", "delayed", "active", "completed"].into_iter().enumerate()
    {
        let jobs: Vec<_> = (0..700)
            .map(|n| Job::new(&format!("{at}-{n}")).with("state", state).with("delayUntil", "5"))
            .collect();
        store.save_bulk(&jobs);
    }
    store.client.command(&["HDEL", "{p:q}:job:0-5", "createdAt"]);
    let trips = store.trips(|store| assert_eq!(store.plain("drain", &[]), Reply::Int(2100)));
    assert_eq!(trips, 6);
    assert_eq!(store.counts(), [0, 0, 0, 700, 700, 0]);
    assert_eq!(store.client.command(&["KEYS", "{p:q}:job:*"]).list().len(), 1400);
}

#[test]
fn obliterating_a_queue_touches_no_other() {
    let server = Server::start();
    let names = ["*", "a", "a}b", "a}:b", "z[1]", "z1", "{a", "a:b", "ab"];
    for doomed in names {
        let mut store = Store::new(&server, doomed);
        store.client.command(&["FLUSHALL"]);
        for name in names {
            store.queue = name.to_owned();
            store.save(
                &Job::new("1").with("queueName", name).with("groupId", "g").with("deduplicationKey", "k"),
            );
            store.fetch("w");
            store.save(&Job::new("2").with("queueName", name));
            store.client.command(&["SET", &store.key("leftover"), "x"]);
        }
        store.client.command(&["SET", "unrelated", "x"]);
        store.queue = doomed.to_owned();
        assert_eq!(store.plain("obliterate", &["0"]), Reply::Int(-3));
        assert_eq!(store.counts()[3], 1, "nothing is deleted while a job is active");
        assert_eq!(store.plain("obliterate", &["1"]), Reply::Int(1));
        for name in names {
            store.queue = name.to_owned();
            let expected = i64::from(name != doomed);
            assert_eq!(store.counts(), [expected, 0, 0, expected, 0, 0], "{name} after {doomed}");
            assert_eq!(store.client.command(&["EXISTS", &store.key("leftover")]).int(), expected);
        }
        assert_eq!(store.client.command(&["SCARD", "p:queues"]).int(), 8);
        assert_eq!(store.client.command(&["EXISTS", "unrelated"]).int(), 1);
    }
}

#[test]
fn lists_are_sliced_and_ordered_as_the_original_does() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for (id, created) in [("a", 3), ("b", 1), ("c", 2)] {
        store.save(&Job::new(id).with("createdAt", created));
        let delayed = Job::new(&format!("d{id}")).with("state", "delayed").with("delayUntil", "9");
        store.save(&delayed.with("createdAt", created));
        let done = Job::new(&format!("f{id}")).with("state", "completed").with("completedAt", created);
        store.save(&done);
    }
    store.client.command(&["RPUSH", "{p:q}:waiting", "ghost"]);
    store.client.command(&["ZADD", "{p:q}:delayed", "1", "ghost"]);
    assert_eq!(store.ids("listJobs", &["waiting", "0", "2"]), ["a", "b"]);
    assert_eq!(store.ids("listJobs", &["waiting", "2", "100"]), ["c"]);
    assert_eq!(store.ids("listJobs", &["waiting", "-4", "-1"]), ["a", "b", "c"]);
    assert_eq!(store.ids("listJobs", &["completed", "0", "2"]), ["fa", "fc"]);
    assert_eq!(store.ids("listJobs", &["delayed", "0", "100"]), ["db", "dc", "da"]);
    assert_eq!(store.ids("listJobs", &["delayed", "1.5", "Infinity"]), ["dc", "da"]);
    assert_eq!(store.ids("listJobs", &["delayed", "-1", "3"]), ["da"]);
    assert_eq!(store.trips(|store| assert_eq!(store.ids("listJobs", &["waiting", "5", "5"]), [""; 0])), 0);
    assert!(store.try_plain("listJobs", &["waiting", "0", "1.5"]).is_err());
    assert!(store.try_plain("listJobs", &["asleep", "0", "1"]).is_err());
    assert_eq!(store.plain("countJobs", &["completed"]), Reply::Int(3));
    store.client.command(&["DEL", "{p:q}:job:b"]);
    store.client.command(&["SET", "{p:q}:job:b", "text"]);
    assert_eq!(store.list_ids("waiting"), ["a", "c"], "a key of another type stops nothing");
}

#[test]
fn finished_jobs_are_removed_at_the_age_that_their_options_give_them() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let now = store.server_ms();
    let finished = |n: usize, job: Job| match n % 3 {
        0 => job.with("opts", r#"{"removeOnComplete":60000}"#),
        1 => job.with("opts", r#"{"removeOnComplete":true,"removeOnFail":1}"#),
        _ => job,
    };
    store.save_bulk(&many(1200, |n, job| {
        // Half of them ended long ago, half of them just now.
        let ended = if n < 600 { now - 100_000 + n as i64 } else { now };
        finished(n, job).with("state", "completed").with("completedAt", ended)
    }));
    let failed = Job::new("failed").with("state", "failed").with("failedAt", now - 5);
    store.save(&failed.with("opts", r#"{"removeOnFail":5}"#));
    assert_eq!(store.plain("expireJobs", &[]), Reply::Int(201));
    assert_eq!(store.counts(), [0, 0, 0, 0, 1000, 0]);
    assert_eq!(store.state("j0000"), None);
    assert_eq!(store.state("j0001").as_deref(), Some("completed"), "true is the host's affair");
    assert_eq!(store.state("j0600").as_deref(), Some("completed"), "not old enough");

    store.client.command(&["ZADD", "{p:q}:x:expire:completed", "1", "j0002", "1", "j0005"]);
    assert_eq!(store.update("j0005", &[("state", Some("waiting"))], &When::default()), Reply::Int(1));
    assert_eq!(store.plain("expireJobs", &[]), Reply::Int(1));
    assert_eq!(store.state("j0005").as_deref(), Some("waiting"), "a retried job stays");
    assert_eq!(store.plain("expireJobs", &[]), Reply::Int(0));
}
