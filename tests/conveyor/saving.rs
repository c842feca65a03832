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
