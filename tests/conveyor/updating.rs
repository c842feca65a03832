//! updateJob, removeJob, cancelJob, failParentOnChildFailure.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Job, Store, When, lease_of};

#[test]
fn an_update_changes_and_clears_fields_in_one_round_trip() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("failedReason", "x"));
    let changes = [
        ("progress", Some("33.3")),
        ("failedReason", None),
        ("data", Some("")),
        ("unknown", Some("1")),
        ("name", None),
    ];
    assert_eq!(
        store.trips(|store| assert_eq!(store.update("a", &changes, &When::default()), Reply::Int(1))),
        1
    );
    let expected = Job::new("a").with("progress", "33.3").with("data", "");
    assert_eq!(store.get("a"), Some(expected), "unknown fields and cleared required ones are ignored");
}

#[test]
fn an_update_of_a_missing_job_writes_nothing() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let when = When { expected: vec!["waiting"], ..When::default() };
    assert_eq!(store.update("a", &[("progress", Some("1"))], &when), Reply::Int(0));
    assert_eq!(store.client.command(&["KEYS", "*"]).texts(), Vec::<String>::new());
}

#[test]
fn an_unexpected_state_is_told_and_nothing_is_written() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    let when = When { expected: vec!["delayed", "failed"], ..When::default() };
    assert_eq!(store.update("a", &[("state", Some("active"))], &when).text(), "waiting");
    assert_eq!(store.get("a"), Some(Job::new("a")));
    let when = When { expected: vec!["delayed", "waiting"], ..When::default() };
    let changes = [("state", Some("failed")), ("failedAt", Some("9"))];
    assert_eq!(store.update("a", &changes, &when), Reply::Int(1));
    store.repeat_last();
    assert_eq!(store.update("a", &changes, &when), Reply::Int(1), "a repetition is not refused");
    assert_eq!(store.update("a", &changes, &when).text(), "failed");
}

#[test]
fn a_delayed_job_needs_its_time() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    assert_eq!(store.update("a", &[("state", Some("delayed"))], &When::default()), Reply::Int(-1));
    let changes = [("state", Some("delayed")), ("delayUntil", Some("70"))];
    assert_eq!(store.update("a", &changes, &When::default()), Reply::Int(1));
    assert_eq!(store.update("a", &[("delayUntil", None)], &When::default()), Reply::Int(-1));
    assert_eq!(store.update("a", &[("delayUntil", Some("90"))], &When::default()), Reply::Int(1));
    assert_eq!(store.plain("getNextDelayedTimestamp", &[]).text(), "90");
    assert_eq!(store.counts(), [0, 0, 1, 0, 0, 0]);
}

#[test]
fn each_change_of_state_moves_the_job_from_the_stored_index() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("groupId", "g"));
    let states =
        ["waiting-children", "active", "completed", "waiting", "delayed", "failed", "active", "waiting"];
    for state in states {
        let changes = [("state", Some(state)), ("delayUntil", Some("5"))];
        assert_eq!(store.update("a", &changes, &When::default()), Reply::Int(1));
        assert_eq!(store.counts().iter().sum::<i64>(), 1, "{state}");
        assert_eq!(store.list_ids(state), ["a"]);
        let grouped = store.plain("getGroupActiveCount", &["g"]).int();
        assert_eq!(grouped, i64::from(state == "active"));
        let waiting = store.plain("getWaitingGroupCount", &["g"]).int();
        assert_eq!(waiting, i64::from(state == "waiting"));
    }
}

#[test]
fn concurrent_updates_keep_every_field_and_one_index() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for round in 0..50 {
        let id = format!("j{round}");
        store.save(&Job::new(&id));
        std::thread::scope(|scope| {
            for (worker, state) in ["failed", "completed", "waiting-children"].into_iter().enumerate() {
                let mut store = Store::named(&server, "q", &format!("instance-{worker}"));
                let id = &id;
                scope.spawn(move || store.update(id, &[("state", Some(state))], &When::default()));
            }
            let mut store = Store::named(&server, "q", "instance-p");
            let id = &id;
            scope.spawn(move || store.update(id, &[("progress", Some("50"))], &When::default()));
        });
        let job = store.get(&id).unwrap();
        assert_eq!(job.get("progress"), Some("50"));
        assert_eq!(store.counts().iter().sum::<i64>(), round + 1);
        assert!(store.list_ids(job.get("state").unwrap()).contains(&id));
    }
}

#[test]
fn a_retried_job_takes_its_deduplication_key_back() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let now = store.server_ms();
    let job = |id: &str| {
        let opts = "{\"deduplication\":{\"ttl\":60000}}";
        Job::new(id).with("deduplicationKey", "k").with("createdAt", now).with("opts", opts)
    };
    let mut retried = |successor: bool| {
        store.client.command(&["FLUSHALL"]);
        store.save_dedup(&job("a"), Some("60000"));
        store.update("a", &[("state", Some("failed"))], &When::default());
        if successor {
            store.save_dedup(&job("b"), Some("60000"));
        }
        store.update("a", &[("state", Some("waiting"))], &When::default());
        (
            store.plain("findByDeduplicationKey", &["k"]).list()[0].text().to_owned(),
            store.client.command(&["PTTL", "{p:q}:dedup:k"]).int(),
        )
    };
    let (owner, ttl) = retried(false);
    assert_eq!(owner, "a");
    assert!((50_000..=60_000).contains(&ttl), "what is left of its time: {ttl}");
    assert_eq!(retried(true).0, "b", "not from a successor");
}

#[test]
fn removing_a_job_leaves_nothing_of_it() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let child = Job::new("a")
        .with("groupId", "g")
        .with("deduplicationKey", "k")
        .with("parentId", "f")
        .with("parentQueueName", "other");
    store.save(&child);
    assert_eq!(store.client.command(&["SCARD", "{p:other}:flow:f:children"]), Reply::Int(1));
    store.fetch("w");
    assert_eq!(store.trips(|store| assert_eq!(store.plain("removeJob", &["a"]), Reply::Int(1))), 1);
    let mut keys = store.client.command(&["KEYS", "*"]).texts();
    keys.retain(|key| !key.contains(":x:claims:"));
    assert_eq!(keys, ["p:queues"]);
    assert_eq!(store.plain("removeJob", &["a"]), Reply::Int(0));
}

#[test]
fn removing_an_orphan_heals_the_indexes() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.client.command(&["RPUSH", "{p:q}:waiting", "ghost", "ghost"]);
    store.client.command(&["ZADD", "{p:q}:failed", "1", "ghost"]);
    assert_eq!(store.plain("removeJob", &["ghost"]), Reply::Int(0));
    assert_eq!(store.counts(), [0; 6]);
}

#[test]
fn cancelling_marks_an_active_job_and_tells_once() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let mut listener = Store::named(&server, "q", "listener");
    listener.client.command(&["SUBSCRIBE", "p:events"]);
    store.save(&Job::new("a"));
    assert_eq!(store.plain("cancelJob", &["a", "77", "{}"]), Reply::Int(0), "not active");
    store.fetch("w");
    assert_eq!(
        store.trips(|store| assert_eq!(store.plain("cancelJob", &["a", "78", "{\"x\":1}"]), Reply::Int(1))),
        1
    );
    assert_eq!(store.plain("cancelJob", &["a", "78", "{\"x\":1}"]), Reply::Int(1), "repeated");
    assert_eq!(store.get("a").unwrap().get("cancelledAt"), Some("78"));
    assert_eq!(store.state("a").as_deref(), Some("active"));
    assert_eq!(store.global("publish", &[Some("{\"y\":2}")]), Reply::Int(1));
    let told: Vec<_> =
        (0..2).map(|_| listener.client.command(&["PING"]).list()[2].text().to_owned()).collect();
    assert_eq!(told, ["{\"x\":1}", "{\"y\":2}"]);
}

#[test]
fn a_failed_child_fails_a_parent_that_waits() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for state in ["waiting-children", "waiting", "active", "completed"] {
        let parent = Job::new(state).with("state", state).with("deduplicationKey", state);
        store.save_dedup(&parent, None);
        let fails = state.starts_with("waiting");
        let trips = store.trips(|store| {
            let answer = store.plain("failParentOnChildFailure", &[state, "boom"]);
            assert_eq!(answer, Reply::Int(i64::from(fails)), "{state}");
        });
        assert_eq!(trips, 1);
        let parent = store.get(state).unwrap();
        assert_eq!(parent.get("state"), Some(if fails { "failed" } else { state }));
        assert_eq!(parent.get("failedReason"), fails.then_some("Child failed: boom"));
        assert_eq!(
            store.client.command(&["EXISTS", &store.key(&format!("dedup:{state}"))]).int(),
            i64::from(!fails)
        );
    }
    assert_eq!(store.counts(), [0, 0, 0, 1, 1, 2]);
    assert_eq!(store.plain("failParentOnChildFailure", &["missing", "boom"]), Reply::Int(0));
}

#[test]
fn a_progress_update_by_the_owner_goes_through_and_by_another_does_not() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    let job = store.fetch("w").unwrap();
    let mine = When { owner: Some(lease_of(&job)), ..When::default() };
    assert_eq!(store.update("a", &[("progress", Some("5"))], &mine), Reply::Int(1));
    let other = When { owner: Some(("w2".into(), lease_of(&job).1)), ..When::default() };
    assert_eq!(store.update("a", &[("progress", Some("6"))], &other), Reply::Int(-2));
    assert_eq!(store.complete(&job), Reply::Int(1));
    store.repeat_last();
    assert_eq!(store.complete(&job), Reply::Int(1), "a repeated completion is not taken for a lost lease");
    assert_eq!(store.complete(&job), Reply::Int(-2));
}

#[test]
fn an_index_of_a_wrong_type_fails_the_update_before_anything_is_written() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("groupId", "g"));
    let job = store.fetch("w").unwrap();
    for poisoned in ["{p:q}:completed", "{p:q}:failed"] {
        store.client.command(&["SET", poisoned, "text"]);
        let state = poisoned.trim_start_matches("{p:q}:");
        let error = store.try_update("a", &[("state", Some(state))], &When::default()).unwrap_err();
        assert_eq!(error.reply_code, "WRONGTYPE");
        assert_eq!(store.get("a").as_ref(), Some(&job));
        assert_eq!(store.client.command(&["SISMEMBER", "{p:q}:active", "a"]), Reply::Int(1));
        store.client.command(&["DEL", poisoned]);
    }
    assert_eq!(store.complete(&job), Reply::Int(1));
}
