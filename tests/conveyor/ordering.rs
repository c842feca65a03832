//! Priorities and groups in turn, with original processes pushing to the same list.

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Fetch, Job, Store, When};

fn urgent(id: &str, priority: i64) -> Job {
    Job::new(id).with("opts", format!("{{\"priority\":{priority}}}"))
}

fn grouped(id: &str, group: &str) -> Job {
    Job::new(id).with("groupId", group)
}

fn drain(store: &mut Store, how: &Fetch) -> Vec<String> {
    std::iter::from_fn(|| store.fetch_with("w", how).0).map(|job| job.id().to_owned()).collect()
}

/// Adds a job as an original process does: hash and list, nothing else.
fn add_foreign(store: &mut Store, job: &Job) {
    let mut words = vec!["HSET".to_owned(), store.key(&format!("job:{}", job.id()))];
    words.extend(job.0.iter().flat_map(|(field, value)| [(*field).to_owned(), value.clone()]));
    store.client.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    store.client.command(&["RPUSH", &store.key("waiting"), job.id()]);
    if let Some(group) = job.get("groupId") {
        store.client.command(&["ZADD", &store.key(&format!("group:{group}:waiting")), "1", job.id()]);
    }
}

/// Leases a job as an original process does.
fn lease_foreign(store: &mut Store, id: &str) {
    store.client.command(&["LREM", &store.key("waiting"), "0", id]);
    store.client.command(&["SADD", &store.key("active"), id]);
    store.client.command(&["HSET", &store.key(&format!("job:{id}")), "state", "active"]);
}

fn side_keys(store: &mut Store) -> Vec<String> {
    let mut keys = store.client.command(&["KEYS", "*:x:*"]).texts();
    keys.retain(|key| !key.contains("claims"));
    keys
}

#[test]
fn lower_priorities_go_first_and_equals_in_order_of_insertion() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let jobs = [("a", 5), ("b", 0), ("c", -1), ("d", 5), ("e", 0), ("f", -1)];
    for (id, priority) in jobs {
        store.save(&urgent(id, priority));
    }
    assert_eq!(drain(&mut store, &Fetch::default()), ["c", "f", "b", "e", "a", "d"]);
    assert_eq!(side_keys(&mut store), Vec::<String>::new(), "an empty queue goes back to the plain path");

    store.save_bulk(
        &jobs.map(|(id, priority)| urgent(id, priority).with("createdAt", "2").with("id", format!("{id}2"))),
    );
    let lifo = Fetch { lifo: true, ..Fetch::default() };
    assert_eq!(drain(&mut store, &lifo), ["f2", "c2", "e2", "b2", "d2", "a2"], "lifo never beats priority");
}

#[test]
fn a_queue_without_priorities_has_no_index() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&Job::new("a"));
    store.save(&urgent("b", 0));
    store.fetch("w");
    assert_eq!(side_keys(&mut store), Vec::<String>::new());
}

#[test]
fn the_first_priority_finds_the_jobs_that_were_there_before() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_bulk(&(0..1200).map(|n| Job::new(&format!("j{n}"))).collect::<Vec<_>>());
    store.save(&urgent("last", 3));
    store.save(&urgent("first", -3));
    assert_eq!(store.fetch("w").unwrap().id(), "first");
    assert_eq!(
        store.trips(|store| assert_eq!(store.fetch("w").unwrap().id(), "j0")),
        1,
        "the index is built once"
    );
    let order = drain(&mut store, &Fetch::default());
    let expected: Vec<_> = (1..1200).map(|n| format!("j{n}")).chain(["last".into()]).collect();
    assert_eq!(order, expected);
}

#[test]
fn jobs_of_original_processes_are_ordered_too() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&urgent("a", 2));
    add_foreign(&mut store, &urgent("b", 1));
    add_foreign(&mut store, &Job::new("c"));
    store.save(&urgent("d", 2));
    add_foreign(&mut store, &urgent("e", 2));
    add_foreign(&mut store, &urgent("f", 1));
    assert_eq!(drain(&mut store, &Fetch::default()), ["c", "b", "f", "a", "d", "e"]);
}

#[test]
fn what_an_original_process_leased_is_not_leased_again() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for (id, priority) in [("a", 1), ("b", 1), ("c", 2)] {
        store.save(&urgent(id, priority));
    }
    lease_foreign(&mut store, "a");
    add_foreign(&mut store, &urgent("d", -9));
    assert_eq!(store.fetch("w").unwrap().id(), "d");
    assert_eq!(store.fetch("w").unwrap().id(), "b");
    lease_foreign(&mut store, "c");
    assert_eq!(store.fetch("w"), None);
    assert_eq!(store.counts(), [0, 0, 0, 4, 0, 0]);
}

#[test]
fn what_an_original_process_pushed_twice_is_leased_once_and_hides_nothing() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for id in ["a", "b", "c"] {
        store.save(&urgent(id, 1));
    }
    store.client.command(&["RPUSH", &store.key("waiting"), "a", "b", "ghost"]);
    assert_eq!(store.fetch("w").unwrap().id(), "a");
    add_foreign(&mut store, &urgent("d", 1));
    add_foreign(&mut store, &urgent("e", -1));
    store.save(&urgent("f", 1));
    assert_eq!(drain(&mut store, &Fetch::default()), ["e", "b", "c", "d", "f"]);
    assert_eq!(store.counts(), [0, 0, 0, 6, 0, 0], "nothing is left on the list");
}

#[test]
fn changing_the_options_changes_the_place() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for id in ["a", "b", "c"] {
        store.save(&Job::new(id));
    }
    let set = |store: &mut Store, id: &str, priority: &str| {
        let opts = format!("{{\"priority\":{priority}}}");
        let when = When { priority: Some(priority.into()), ..When::default() };
        assert_eq!(store.update(id, &[("opts", Some(&opts))], &when), Reply::Int(1));
    };
    set(&mut store, "c", "-1");
    set(&mut store, "a", "4");
    assert_eq!(store.fetch("w").unwrap().id(), "c");
    set(&mut store, "a", "-5");
    assert_eq!(drain(&mut store, &Fetch::default()), ["a", "b"]);
}

#[test]
fn a_job_keeps_its_priority_when_it_comes_back() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    let mut later = urgent("later", 0).with("state", "delayed").with("delayUntil", "5");
    later.0.insert("opts", "{\"priority\":-2}".into());
    store.save(&later);
    store.save(&urgent("failed", -1).with("state", "failed"));
    store.save(&urgent("parent", -3).with("state", "waiting-children").with("pendingChildrenCount", "1"));
    store.save(&urgent("retried", -4));
    store.fetch("w");
    store.save(&Job::new("plain"));
    assert_eq!(store.tokened("promoteDelayedJobs", &["10"]), Reply::Int(1));
    assert_eq!(store.tokened("retryJobs", &["failed"]), Reply::Int(1));
    assert_eq!(store.tokened("notifyChildCompleted", &["parent"]).text(), "waiting");
    store.update("retried", &[("state", Some("waiting"))], &When::default());
    assert_eq!(drain(&mut store, &Fetch::default()), ["retried", "parent", "later", "failed", "plain"]);
}

#[test]
fn a_capped_group_is_passed_over_and_the_cap_holds() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for id in ["a1", "a2", "a3"] {
        store.save(&grouped(id, "a"));
    }
    store.save(&grouped("b1", "b"));
    store.save(&Job::new("u1"));
    let capped = Fetch { cap: Some(1), ..Fetch::default() };
    assert_eq!(drain(&mut store, &capped), ["a1", "b1", "u1"]);
    assert_eq!(store.plain("getGroupActiveCount", &["a"]), Reply::Int(1));
    let a1 = store.get("a1").unwrap();
    store.complete(&a1);
    assert_eq!(drain(&mut store, &capped), ["a2"]);
    let none = Fetch { cap: Some(0), ..Fetch::default() };
    store.save(&Job::new("u2"));
    assert_eq!(drain(&mut store, &none), ["u2"], "a cap of 0 stops groups and nothing else");
}

#[test]
fn groups_take_turns_and_ungrouped_jobs_are_one_of_them() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for n in 0..3 {
        store.save(&grouped(&format!("a{n}"), "a"));
    }
    for n in 0..3 {
        store.save(&Job::new(&format!("u{n}")));
    }
    store.save(&grouped("b0", "b"));
    let in_turn = Fetch { cap: Some(9), ..Fetch::default() };
    let order = drain(&mut store, &in_turn);
    let mut first: Vec<_> = order[..3].to_vec();
    first.sort();
    assert_eq!(first, ["a0", "b0", "u0"], "each group once before any twice");
    assert_eq!(order[3].get(1..), Some("1"));
    assert_eq!(order[5].get(1..), Some("2"));

    // The group that was served longest ago comes first, also after it had nothing for a while.
    store.save(&grouped("a3", "a"));
    store.save(&grouped("b1", "b"));
    assert_eq!(drain(&mut store, &in_turn), ["b1", "a3"]);
}

#[test]
fn without_cap_or_exclusion_groups_do_not_matter() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for (id, group) in [("a0", "a"), ("a1", "a"), ("b0", "b")] {
        store.save(&grouped(id, group));
    }
    assert_eq!(drain(&mut store, &Fetch::default()), ["a0", "a1", "b0"]);
}

#[test]
fn an_excluded_group_is_left_out_and_priority_counts_within_a_group() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save(&grouped("a0", "a"));
    store.save(&grouped("b0", "b"));
    store.save(&urgent("b1", -1).with("groupId", "b"));
    let without = Fetch { excluded: vec!["a".into()], ..Fetch::default() };
    assert_eq!(drain(&mut store, &without), ["b1", "b0"]);
    assert_eq!(drain(&mut store, &Fetch { lifo: true, ..Fetch::default() }), ["a0"]);
}

#[test]
fn a_full_group_of_thousands_hides_nobody_and_costs_nothing() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_bulk(&(0..3000).map(|n| grouped(&format!("a{n}"), "a")).collect::<Vec<_>>());
    store.save(&grouped("b0", "b"));
    let capped = Fetch { cap: Some(1), ..Fetch::default() };
    assert_eq!(drain(&mut store, &capped).len(), 2);
    store.save(&grouped("c0", "c"));
    assert_eq!(store.trips(|store| assert_eq!(store.fetch_with("w", &capped).0.unwrap().id(), "c0")), 1);
}

#[test]
fn groups_of_original_processes_take_turns_too() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    for (id, group) in [("a0", "a"), ("a1", "a"), ("b0", "b")] {
        add_foreign(&mut store, &grouped(id, group));
    }
    let in_turn = Fetch { cap: Some(1), ..Fetch::default() };
    assert_eq!(drain(&mut store, &in_turn), ["a0", "b0"]);
    add_foreign(&mut store, &grouped("c0", "c"));
    assert_eq!(drain(&mut store, &in_turn), ["c0"]);
}

#[test]
fn a_name_filter_and_pauses_apply_within_the_order() {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.save_bulk(&(0..700).map(|n| urgent(&format!("m{n}"), 1).with("name", "mail")).collect::<Vec<_>>());
    store.save(&urgent("v", 2).with("name", "video"));
    let video = Fetch { name: Some("video"), ..Fetch::default() };
    assert_eq!(drain(&mut store, &video), ["v"]);
    store.plain("pauseJobName", &["mail"]);
    assert_eq!(store.fetch("w"), None);
    let in_turn = Fetch { cap: Some(1), ..Fetch::default() };
    assert_eq!(store.fetch_with("w", &in_turn).0, None);
    assert_eq!(store.counts()[0], 700);
}
