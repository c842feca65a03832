//! fetchNextJob, extendLock, releaseLock, getStalledJobs.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Job, Store};

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
