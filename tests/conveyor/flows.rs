//! saveFlow, notifyChildCompleted, getChildrenJobs.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Job, Store};

fn family() -> Vec<(&'static str, Job)> {
    let child = |id: &str, queue: &str| {
        Job::new(id).with("queueName", queue).with("parentId", "p").with("parentQueueName", "parents")
    };
    let parent = Job::new("p").with("queueName", "parents").with("state", "waiting-children");
    vec![
        ("left", child("c1", "left").with("createdAt", "3")),
        ("right", child("c2", "right").with("createdAt", "2")),
        ("parents", parent.with("pendingChildrenCount", "2").with("childrenIds", "[\"c1\",\"c2\"]")),
    ]
}

#[test]
fn a_flow_of_several_queues_is_saved_in_one_round_trip() {
    let server = Server::start();
    let mut store = Store::new(&server, "parents");
    let trips = store.trips(|store| assert_eq!(store.save_flow(&family()), ["c1", "c2", "p"]));
    assert_eq!(trips, 1);
    assert_eq!(store.counts(), [0, 1, 0, 0, 0, 0]);
    assert_eq!(store.ids("getChildrenJobs", &["p"]), ["c2", "c1"], "the oldest first");
    let mut queues = store.client.command(&["SMEMBERS", "p:queues"]).texts();
    queues.sort();
    assert_eq!(queues, ["left", "parents", "right"]);
    store.repeat_last();
    assert_eq!(store.save_flow(&family()), ["c1", "c2", "p"]);
    store.queue = "left".into();
    assert_eq!(store.list_ids("waiting"), ["c1"]);
}

#[test]
fn a_large_flow_keeps_its_order_and_saves_the_parent_first() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let mut flow: Vec<_> = (0..1200)
        .map(|n| ("q", Job::new(&format!("c{n}")).with("parentId", "p").with("parentQueueName", "q")))
        .collect();
    flow.push(("q", Job::new("p").with("state", "waiting-children").with("pendingChildrenCount", "1200")));
    let mut ids = Vec::new();
    assert_eq!(store.trips(|store| ids = store.save_flow(&flow)), 3);
    assert_eq!(ids.len(), 1201);
    assert_eq!((ids[0].as_str(), ids[1199].as_str(), ids[1200].as_str()), ("c0", "c1199", "p"));
    assert_eq!(store.counts(), [1200, 1, 0, 0, 0, 0]);
}

#[test]
fn the_last_child_queues_the_parent_exactly_once() {
    let server = Server::start();
    let mut store = Store::new(&server, "parents");
    store.save_flow(&family());
    assert_eq!(store.tokened("notifyChildCompleted", &["p"]).text(), "waiting-children");
    store.repeat_last();
    assert_eq!(
        store.tokened("notifyChildCompleted", &["p"]).text(),
        "waiting-children",
        "a repetition counts nothing"
    );
    assert_eq!(store.get("p").unwrap().get("pendingChildrenCount"), Some("1"));
    assert_eq!(store.tokened("notifyChildCompleted", &["p"]).text(), "waiting");
    assert_eq!(store.tokened("notifyChildCompleted", &["p"]).text(), "waiting", "one notification too many");
    assert_eq!(store.list_ids("waiting"), ["p"]);
    assert_eq!(store.counts(), [1, 0, 0, 0, 0, 0]);

    let parent = store.fetch("w").unwrap();
    assert_eq!(store.tokened("notifyChildCompleted", &["p"]).text(), "active");
    store.complete(&parent);
    assert_eq!(store.tokened("notifyChildCompleted", &["p"]).text(), "completed");
    assert_eq!(store.get("p").unwrap().get("pendingChildrenCount"), Some("0"));
    assert_eq!(store.counts(), [0, 0, 0, 0, 1, 0]);
    assert_eq!(store.tokened("notifyChildCompleted", &["missing"]).text(), "completed");
}

#[test]
fn children_that_end_together_queue_the_parent_once() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let parent = Job::new("p").with("state", "waiting-children").with("pendingChildrenCount", "40");
    store.save(&parent);
    let queued: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|n| {
                let mut store = Store::named(&server, "q", &format!("instance-{n}"));
                let notify = move || store.tokened("notifyChildCompleted", &["p"]).text() == "waiting";
                scope
                    .spawn(move || std::iter::repeat_with(notify).take(10).filter(|waiting| *waiting).count())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(queued, 1);
    assert_eq!(store.list_ids("waiting"), ["p"]);
}

#[test]
fn a_removed_child_is_no_child_any_more() {
    let server = Server::start();
    let mut store = Store::new(&server, "left");
    store.save_flow(&family());
    assert_eq!(store.plain("removeJob", &["c1"]), Reply::Int(1));
    store.queue = "parents".into();
    assert_eq!(store.ids("getChildrenJobs", &["p"]), ["c2"]);
}
