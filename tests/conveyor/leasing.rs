//! fetchNextJob, extendLock, releaseLock, getStalledJobs.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Fetch, Job, Store, When, lease_of};

#[test]
fn a_lease_moves_the_job_and_tells_who_holds_it() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("groupId", "g"));
    let before = store.server_ms();
    let mut leased = None;
    let trips = store.trips(|store| leased = store.fetch("w"));
    assert_eq!(trips, 1);
    let job = leased.unwrap();
    let at: i64 = job.get("processedAt").unwrap().parse().unwrap();
    assert!(at >= before && at <= store.server_ms());
    assert_eq!(job.get("state"), Some("active"));
    assert_eq!(job.get("lockedBy"), Some("w"));
    assert_eq!(job.get("lockUntil"), Some((at + 30_000).to_string().as_str()));
    assert_eq!(store.get("a").as_ref(), Some(&job), "the reply is what is stored");
    assert_eq!(store.counts(), [0, 0, 0, 1, 0, 0]);
    assert_eq!(store.plain("getGroupActiveCount", &["g"]), Reply::Int(1));
    assert_eq!(store.plain("getWaitingGroupCount", &["g"]), Reply::Int(0));
    assert_eq!(store.client.command(&["GET", "{p:q}:lock:a"]).text(), "w");
    assert_eq!(store.complete(&job), Reply::Int(1));
    assert_eq!(store.counts(), [0, 0, 0, 0, 1, 0]);
    assert_eq!(store.client.command(&["EXISTS", "{p:q}:lock:a"]), Reply::Int(0));
    assert_eq!(store.fetch("w"), None);
}

#[test]
fn jobs_are_leased_first_in_first_out_or_last_in_first_out() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let jobs: Vec<_> = (0..6).map(|n| Job::new(&n.to_string())).collect();
    store.save_bulk(&jobs);
    let lifo = Fetch { lifo: true, ..Fetch::default() };
    let mut order = Vec::new();
    for turn in 0..6 {
        let job = if turn % 2 == 0 { store.fetch("w") } else { store.fetch_with("w", &lifo).0 };
        order.push(job.unwrap().id().to_owned());
    }
    assert_eq!(order, ["0", "5", "1", "4", "2", "3"]);
}

#[test]
fn a_paused_queue_gives_nothing_and_a_paused_name_is_passed_over() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("name", "mail"));
    store.save(&Job::new("b").with("name", "video"));
    assert_eq!(store.plain("pauseJobName", &["mail"]), Reply::Int(1));
    assert_eq!(store.plain("pauseJobName", &["mail"]), Reply::Int(0));
    assert_eq!(store.fetch("w").unwrap().id(), "b");
    assert_eq!(store.fetch("w"), None);
    store.plain("pauseJobName", &["__all__"]);
    store.plain("resumeJobName", &["mail"]);
    assert_eq!(store.plain("getPausedJobNames", &[]).texts(), ["__all__"]);
    assert_eq!(store.fetch("w"), None);
    store.plain("resumeJobName", &["__all__"]);
    assert_eq!(store.fetch("w").unwrap().id(), "a");
}

#[test]
fn a_thousand_ineligible_jobs_hide_nothing() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let mut jobs: Vec<_> = (0..1300).map(|n| Job::new(&format!("j{n}")).with("name", "mail")).collect();
    jobs.push(Job::new("wanted").with("name", "video"));
    store.save_bulk(&jobs);
    let video = Fetch { name: Some("video"), ..Fetch::default() };
    let mut found = None;
    let trips = store.trips(|store| found = store.fetch_with("w", &video).0);
    assert_eq!(found.unwrap().id(), "wanted");
    assert_eq!(trips, 3, "bounded windows of 500");
    assert_eq!(store.fetch_with("w", &video).0, None);
    assert_eq!(store.counts()[0], 1300);

    store.plain("pauseJobName", &["mail"]);
    store.save(&Job::new("other").with("name", "audio"));
    assert_eq!(store.fetch("w").unwrap().id(), "other");
    let lifo = Fetch { lifo: true, ..Fetch::default() };
    store.client.command(&["RPOPLPUSH", &store.key("waiting"), &store.key("waiting")]);
    store.client.command(&["LPUSH", &store.key("waiting"), "last"]);
    store.save(&Job::new("zzz").with("name", "mail"));
    store.client.command(&[
        "HSET",
        &store.key("job:last"),
        "id",
        "last",
        "queueName",
        "q",
        "name",
        "n",
        "state",
        "waiting",
    ]);
    assert_eq!(store.fetch_with("w", &lifo).0.unwrap().id(), "last");
}

#[test]
fn a_leftover_of_an_active_job_is_discarded_and_never_leased() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    store.client.command(&["RPUSH", &store.key("waiting"), "a", "ghost"]);
    assert_eq!(store.fetch("w1").unwrap().id(), "a");
    assert_eq!(store.fetch_with("w2", &Fetch::default()), (None, vec![]));
    assert_eq!(store.counts(), [0, 0, 0, 1, 0, 0], "duplicate and ghost are gone");
}

#[test]
fn a_corrupt_record_is_set_aside_and_stops_nothing() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for id in ["nameless", "dated", "stateless", "strange", "typed", "fine"] {
        store.save(&Job::new(id));
    }
    store.client.command(&["HDEL", "{p:q}:job:nameless", "name"]);
    store.client.command(&["HSET", "{p:q}:job:dated", "createdAt", "yesterday"]);
    store.client.command(&["HDEL", "{p:q}:job:stateless", "state"]);
    store.client.command(&["HSET", "{p:q}:job:strange", "state", "sleeping"]);
    store.client.command(&["DEL", "{p:q}:job:typed"]);
    store.client.command(&["SET", "{p:q}:job:typed", "text"]);
    let (job, quarantined) = store.fetch_with("w", &Fetch::default());
    assert_eq!(job.unwrap().id(), "fine");
    assert_eq!(quarantined, ["nameless", "dated", "stateless", "strange", "typed"]);
    assert_eq!(store.client.command(&["ZCARD", "{p:q}:x:quarantine"]), Reply::Int(5));
    assert_eq!(store.counts(), [0, 0, 0, 1, 0, 0]);
}

#[test]
fn an_empty_name_is_legal() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("name", ""));
    assert_eq!(store.fetch("w").unwrap().get("name"), Some(""));
}

#[test]
fn a_bad_lock_duration_loses_no_job() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    for bad in ["0", "-5", "NaN", "soon"] {
        let error = store.try_fetch("w", bad, &Fetch::default()).unwrap_err();
        assert_eq!(error.message, "lockDuration must be a positive number");
    }
    assert_eq!(store.try_fetch("w", "0.4", &Fetch::default()).unwrap().0.unwrap().id(), "a");
}

#[test]
fn a_poisoned_active_key_loses_no_job() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("groupId", "g"));
    for poisoned in ["{p:q}:active", "{p:q}:group:g:active"] {
        store.client.command(&["SET", poisoned, "text"]);
        let error = store.try_fetch("w", "1000", &Fetch::default()).unwrap_err();
        assert_eq!(error.reply_code, "WRONGTYPE");
        assert_eq!(store.list_ids("waiting"), ["a"]);
        assert_eq!(store.state("a").as_deref(), Some("waiting"));
        store.client.command(&["DEL", poisoned]);
    }
    assert!(store.fetch("w").is_some());
}

#[test]
fn a_repeated_fetch_is_answered_with_the_same_job() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    store.save(&Job::new("b"));
    let first = store.fetch("w");
    store.repeat_last();
    assert_eq!(store.fetch("w"), first);
    assert_eq!(store.counts(), [1, 0, 0, 1, 0, 0]);
    store.complete(&first.unwrap());
    store.repeat_last();
    store.repeat_last();
    assert_eq!(store.fetch("w"), None, "a lease that has ended is not given again");
}

#[test]
fn a_limiter_counts_leases_in_its_window() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_bulk(&(0..5).map(|n| Job::new(&n.to_string())).collect::<Vec<_>>());
    let within = |window| Fetch { limit: Some((2, window)), ..Fetch::default() };
    assert!(store.fetch_with("w", &within(60_000)).0.is_some());
    assert!(store.fetch_with("w", &within(60_000)).0.is_some());
    assert!(store.fetch_with("w", &within(60_000)).0.is_none());
    assert!(store.client.command(&["PTTL", &store.key("rl")]).int() > 0, "the limiter's key expires");
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(store.fetch_with("w", &within(40)).0.is_some());
    let off = Fetch { limit: Some((0, 400)), ..Fetch::default() };
    assert!(store.fetch_with("w", &off).0.is_some(), "a maximum of 0 is no limiter");
}

#[test]
fn only_the_owner_extends_releases_and_completes() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("groupId", "g"));
    let first = store.fetch("w").unwrap();
    let (owner, at) = lease_of(&first);
    assert_eq!(store.plain("extendLock", &["a", "60000", &owner, &at]), Reply::Int(1));
    let until: i64 = store.get("a").unwrap().get("lockUntil").unwrap().parse().unwrap();
    assert!(until > store.server_ms() + 50_000);
    assert!(store.client.command(&["PTTL", &store.key("lock:a")]).int() > 50_000);

    // The lease runs out, a sweep sends the job back, and the same worker id leases it again.
    let back = [("state", Some("waiting")), ("lockUntil", None), ("lockedBy", None)];
    store.update("a", &back, &When::default());
    std::thread::sleep(std::time::Duration::from_millis(2));
    let second = store.fetch("w").unwrap();
    assert_eq!(store.plain("extendLock", &["a", "60000", &owner, &at]), Reply::Int(0));
    assert_eq!(store.plain("releaseLock", &["a", &owner, &at]), Reply::Int(0));
    assert_eq!(store.complete(&first), Reply::Int(-2));
    assert_eq!(store.get("a"), Some(second.clone()), "nothing of the stale worker was written");
    let (owner, at) = lease_of(&second);
    assert_eq!(store.plain("releaseLock", &["a", &owner, &at]), Reply::Int(1));
    assert_eq!(store.plain("getGroupActiveCount", &["g"]), Reply::Int(0));
    assert_eq!(store.client.command(&["EXISTS", &store.key("lock:a")]), Reply::Int(0));
    assert_eq!(store.state("a").as_deref(), Some("active"));
}

#[test]
fn an_unknown_lease_is_extended_as_the_original_does() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    assert_eq!(store.plain("extendLock", &["a", "100"]), Reply::Int(0));
    store.fetch("w");
    store.client.command(&["DEL", &store.key("lock:a")]);
    assert_eq!(store.plain("extendLock", &["a", "5000"]), Reply::Int(1));
    assert_eq!(store.client.command(&["GET", &store.key("lock:a")]).text(), "w");
    assert_eq!(store.plain("extendLock", &["missing", "5000"]), Reply::Int(0));
    assert!(store.try_plain("extendLock", &["a", "0"]).is_err());
}

#[test]
fn a_lease_that_ran_out_is_stalled_by_the_servers_clock() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    assert_eq!(store.trips(|store| assert_eq!(store.jobs("getStalledJobs", &[]), [])), 1);
    store.save(&Job::new("short"));
    store.save(&Job::new("long"));
    store.save(&Job::new("corrupt"));
    store.try_fetch("w", "1", &Fetch::default()).unwrap();
    store.fetch("w");
    store.fetch("w");
    store.client.command(&["HSET", &store.key("job:corrupt"), "lockUntil", "never"]);
    store.client.command(&["SADD", &store.key("active"), "ghost"]);
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert_eq!(store.ids("getStalledJobs", &[]), ["short"]);
}

#[test]
fn of_two_stalled_sweeps_only_one_takes_effect() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let mut other = Store::named(&server, "q", "instance-b");
    store.save(&Job::new("a"));
    store.try_fetch("w", "1", &Fetch::default()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    let seen = store.jobs("getStalledJobs", &[]).remove(0);
    let sweep = When { sweep: seen.get("lockUntil").map(str::to_owned), ..When::default() };
    let changes =
        [("state", Some("waiting")), ("attemptsMade", Some("1")), ("lockUntil", None), ("lockedBy", None)];
    assert_eq!(store.update("a", &changes, &sweep), Reply::Int(1));
    store.repeat_last();
    assert_eq!(store.update("a", &changes, &sweep), Reply::Int(1), "the same sweep, sent again");
    assert_eq!(other.update("a", &changes, &sweep), Reply::Int(0));
    assert_eq!(store.list_ids("waiting"), ["a"]);
    assert!(other.fetch("w2").is_some());
    assert_eq!(other.update("a", &changes, &sweep), Reply::Int(0), "not a lease that began later");
    assert_eq!(store.counts(), [0, 0, 0, 1, 0, 0]);
}

#[test]
fn every_lease_goes_to_one_worker() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_bulk(&(0..400).map(|n| Job::new(&n.to_string())).collect::<Vec<_>>());
    let mut leased: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|n| {
                let mut store = Store::named(&server, "q", &format!("instance-{n}"));
                scope.spawn(move || {
                    std::iter::from_fn(|| store.fetch("w")).map(|job| job.id().to_owned()).collect()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| -> Vec<String> { worker.join().unwrap() }).collect()
    });
    leased.sort();
    leased.dedup();
    assert_eq!(leased.len(), 400);
}
