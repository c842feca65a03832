//! saveJob, saveBulk: what is written, deduplication, and ids that exist.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Job, Store};

#[test]
fn a_job_is_written_as_the_original_writes_it() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let job = Job::new("a").with("groupId", "g").with("data", "{\"text\":\"\\u0000é\"}");
    let trips = store.trips(|store| assert_eq!(store.save(&job), "a"));
    assert_eq!(trips, 1);
    assert_eq!(store.get("a"), Some(job));
    assert_eq!(store.client.command(&["HLEN", "{p:q}:job:a"]), Reply::Int(16));
    assert_eq!(store.client.command(&["LRANGE", "{p:q}:waiting", "0", "-1"]).texts(), ["a"]);
    assert_eq!(store.client.command(&["ZSCORE", "{p:q}:group:g:waiting", "a"]).text(), "1000");
    assert_eq!(store.client.command(&["SMEMBERS", "p:queues"]).texts(), ["q"]);
    let mut keys = store.client.command(&["KEYS", "*"]).texts();
    keys.retain(|key| !key.contains(":x:"));
    assert_eq!(keys.len(), 4, "nothing else is written: {keys:?}");
}

#[test]
fn a_live_job_with_the_same_id_is_left_alone() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    assert_eq!(store.save(&Job::new("a").with("createdAt", "5").with("data", "\"other\"")), "a");
    assert_eq!(store.list_ids("waiting"), ["a"]);
    assert_eq!(store.get("a"), Some(Job::new("a")));
}

#[test]
fn a_finished_job_with_the_same_id_is_replaced_cleanly() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let done = Job::new("a").with("state", "completed").with("completedAt", "50").with("returnvalue", "1");
    store.save(&done);
    store.client.command(&["SET", &store.key("lock:a"), "stale"]);
    assert_eq!(store.save(&done), "a", "the same save again");
    assert_eq!(store.counts(), [0, 0, 0, 0, 1, 0]);

    let fresh = Job::new("a").with("createdAt", "60");
    store.save(&fresh);
    assert_eq!(store.counts(), [1, 0, 0, 0, 0, 0]);
    assert_eq!(store.get("a"), Some(fresh), "no field of the old job survives");
    assert_eq!(store.client.command(&["EXISTS", &store.key("lock:a")]), Reply::Int(0));
}

#[test]
fn each_state_has_its_index_and_score() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("d").with("state", "delayed").with("delayUntil", "77"));
    store.save(&Job::new("e").with("state", "delayed"));
    store.save(&Job::new("f").with("state", "failed").with("failedAt", "88"));
    store.save(&Job::new("c").with("state", "completed"));
    store.save(&Job::new("p").with("state", "waiting-children"));
    store.save(&Job::new("x").with("state", "active").with("groupId", "g"));
    let mut scored =
        |index: &str, id: &str| store.client.command(&["ZSCORE", &format!("{{p:q}}:{index}"), id]);
    assert_eq!(scored("delayed", "d").text(), "77");
    assert_eq!(scored("delayed", "e").text(), "1000", "createdAt without delayUntil");
    assert_eq!(scored("failed", "f").text(), "88");
    assert!(
        scored("completed", "c").text().parse::<i64>().unwrap() > 1_600_000_000_000,
        "the time of writing"
    );
    assert_eq!(store.counts(), [0, 1, 2, 1, 1, 1]);
    assert_eq!(store.plain("getGroupActiveCount", &["g"]), Reply::Int(1));
}

#[test]
fn a_deduplication_key_belongs_to_its_live_owner() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let now = store.server_ms().to_string();
    let job = |id: &str| Job::new(id).with("deduplicationKey", "k").with("createdAt", &now);
    let trips = store.trips(|store| {
        assert_eq!(store.save_dedup(&job("a"), Some("60000.5")), "a");
    });
    assert_eq!(trips, 1, "reservation and job in one round trip");
    assert_eq!(store.save_dedup(&job("b"), Some("60000")), "a");
    assert_eq!(store.get("b"), None, "nothing of the duplicate is written");
    let ttl = store.client.command(&["PTTL", &store.key("dedup:k")]).int();
    assert!((50_000..=60_001).contains(&ttl), "{ttl}");
    let owner = store.plain("findByDeduplicationKey", &["k"]);
    assert_eq!(owner.list()[0].text(), "a");

    let leased = store.fetch("w").unwrap();
    store.complete(&leased);
    assert_eq!(store.plain("findByDeduplicationKey", &["k"]), Reply::Nil);
    assert_eq!(store.save_dedup(&job("c"), None), "c", "a finished owner frees the key");
    assert_eq!(
        store.client.command(&["PTTL", &store.key("dedup:k")]),
        Reply::Int(-1),
        "without a time: for ever"
    );
}

#[test]
fn a_lapsed_deduplication_key_is_not_reserved() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let job = Job::new("a").with("deduplicationKey", "k").with("createdAt", "1000");
    store.save_dedup(&job, Some("5000"));
    assert_eq!(store.get("a"), Some(job));
    assert_eq!(store.client.command(&["EXISTS", &store.key("dedup:k")]), Reply::Int(0));
}

#[test]
fn a_job_that_finishes_leaves_its_successors_key_alone() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_dedup(&Job::new("a").with("deduplicationKey", "k"), None);
    let a = store.fetch("w").unwrap();
    store.client.command(&["DEL", &store.key("dedup:k")]);
    store.save_dedup(&Job::new("b").with("deduplicationKey", "k"), None);
    store.complete(&a);
    assert_eq!(store.plain("findByDeduplicationKey", &["k"]).list()[0].text(), "b");
    store.plain("removeJob", &["a"]);
    assert_eq!(store.plain("findByDeduplicationKey", &["k"]).list()[0].text(), "b");
}

#[test]
fn a_dangling_deduplication_key_is_taken_over() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.client.command(&["SET", &store.key("dedup:k"), "gone"]);
    assert_eq!(store.plain("findByDeduplicationKey", &["k"]), Reply::Nil);
    assert_eq!(store.client.command(&["EXISTS", &store.key("dedup:k")]), Reply::Int(0));
    store.client.command(&["SET", &store.key("dedup:k"), "gone"]);
    assert_eq!(store.save_dedup(&Job::new("a").with("deduplicationKey", "k"), None), "a");
}

#[test]
fn a_repeated_save_has_its_effect_once() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    store.plain("removeJob", &["a"]);
    store.repeat_last();
    assert_eq!(store.save(&Job::new("a")), "a");
    assert_eq!(store.get("a"), None, "the job had been saved, run and removed before its reply was lost");
}

#[test]
fn a_thousand_jobs_cost_two_round_trips_and_keep_their_order() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let mut jobs: Vec<_> = (0..1000).map(|n| Job::new(&format!("j{n}"))).collect();
    jobs[700] = Job::new("again").with("deduplicationKey", "k");
    jobs[701] = Job::new("never").with("deduplicationKey", "k");
    let mut ids = Vec::new();
    assert_eq!(store.trips(|store| ids = store.save_bulk(&jobs)), 2);
    assert_eq!(ids.len(), 1000);
    assert_eq!((ids[0].as_str(), ids[701].as_str(), ids[999].as_str()), ("j0", "again", "j999"));
    let waiting = store.list_ids("waiting");
    assert_eq!(waiting.len(), 999);
    assert_eq!((waiting[0].as_str(), waiting[998].as_str()), ("j0", "j999"));
    assert_eq!(store.get("never"), None);
    store.plain("removeJob", &["j999"]);
    store.repeat_last();
    assert_eq!(store.save_bulk(&jobs[500..]).len(), 500);
}

#[test]
fn a_key_of_a_wrong_type_fails_the_save_before_anything_is_written() {
    let server = Server::start();
    for (poisoned, job) in [
        ("{p:q}:waiting", Job::new("a")),
        ("{p:q}:group:g:waiting", Job::new("a").with("groupId", "g")),
        ("{p:q}:delayed", Job::new("a").with("state", "delayed").with("delayUntil", "1")),
        ("p:queues", Job::new("a")),
        ("{p:q}:flow:f:children", Job::new("a").with("parentId", "f").with("parentQueueName", "q")),
    ] {
        let mut store = Store::new(&server, "q");
        store.client.command(&["FLUSHALL"]);
        store.client.command(&["HSET", poisoned, "f", "v"]);
        let error = store.try_save(&job, None).unwrap_err();
        assert_eq!(error.reply_code, "WRONGTYPE", "{poisoned}");
        assert_eq!(store.client.command(&["KEYS", "*"]).texts(), [poisoned]);
    }
}

#[test]
fn a_date_that_is_no_number_does_not_break_the_indexes() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a").with("state", "delayed").with("delayUntil", "NaN"));
    assert_eq!(store.counts(), [0, 0, 1, 0, 0, 0]);
}
