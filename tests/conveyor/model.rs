//! Random sequences of operations against a model of a queue, with the invariants checked after every step:
//! a job is where its state says and nowhere else (V1, V2), an active job has an owner and an end (V3).

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::client::Reply;
use crate::server::Server;
use crate::store::{Fetch, Job, Store, When, lease_of};

const STATES: [&str; 6] = ["waiting", "waiting-children", "delayed", "active", "completed", "failed"];

#[derive(Clone, Debug)]
enum Step {
    Save { id: u8, state: usize, group: u8, priority: i8, key: u8 },
    Fetch { lifo: bool, name: Option<bool>, cap: Option<u8> },
    Complete { nth: u8, failed: bool },
    Move { id: u8, state: usize },
    Prioritise { id: u8, priority: i8 },
    Remove { id: u8 },
    Promote,
    Retry { failed: bool },
    Clean { state: usize },
    Drain,
    Notify { id: u8 },
    FailParent { id: u8 },
    Push { id: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let (id, priority) = (0..12u8, -1..2i8);
    prop_oneof![
        8 => (id.clone(), prop_oneof![6 => Just(0usize), 1 => 1..3usize], 0..3u8, priority.clone(), 0..4u8)
            .prop_map(|(id, state, group, priority, key)| Step::Save { id, state, group, priority, key }),
        8 => (any::<bool>(), prop_oneof![2 => Just(None), 1 => any::<bool>().prop_map(Some)],
            prop_oneof![3 => Just(None), 1 => (0..3u8).prop_map(Some)])
            .prop_map(|(lifo, name, cap)| Step::Fetch { lifo, name, cap }),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(nth, failed)| Step::Complete { nth, failed }),
        4 => (id.clone(), 0..STATES.len()).prop_map(|(id, state)| Step::Move { id, state }),
        2 => (id.clone(), priority).prop_map(|(id, priority)| Step::Prioritise { id, priority }),
        2 => id.clone().prop_map(|id| Step::Remove { id }),
        1 => Just(Step::Promote),
        1 => any::<bool>().prop_map(|failed| Step::Retry { failed }),
        1 => (0..STATES.len()).prop_map(|state| Step::Clean { state }),
        1 => Just(Step::Drain),
        1 => id.clone().prop_map(|id| Step::Notify { id }),
        1 => id.clone().prop_map(|id| Step::FailParent { id }),
        2 => id.prop_map(|id| Step::Push { id }),
    ]
}

#[derive(Clone, Debug)]
struct Known {
    state: &'static str,
    group: String,
    priority: i8,
    name: &'static str,
    key: String,
    /// Place in the waiting list.
    place: u64,
}

#[derive(Default)]
struct Model {
    jobs: BTreeMap<String, Known>,
    keys: BTreeMap<String, String>,
    leases: Vec<Job>,
    clock: u64,
}

impl Model {
    fn enter(&mut self, id: &str, state: &'static str) {
        self.clock += 1;
        let place = self.clock;
        let job = self.jobs.get_mut(id).unwrap();
        let (from, key) = (job.state, job.key.clone());
        job.state = state;
        job.place = place;
        let ended = |state: &str| matches!(state, "completed" | "failed");
        if key.is_empty() {
            return;
        }
        if ended(state) && self.keys.get(&key).is_some_and(|owner| owner == id) {
            self.keys.remove(&key);
        } else if ended(from) && !ended(state) {
            self.keys.entry(key).or_insert_with(|| id.to_owned());
        }
    }

    fn remove(&mut self, id: &str) {
        if let Some(job) = self.jobs.remove(id)
            && self.keys.get(&job.key).is_some_and(|owner| owner == id)
        {
            self.keys.remove(&job.key);
        }
    }

    fn in_state(&self, state: &str) -> Vec<String> {
        self.jobs.iter().filter(|(_, job)| job.state == state).map(|(id, _)| id.clone()).collect()
    }

    fn active_in(&self, group: &str) -> usize {
        self.jobs.values().filter(|job| job.state == "active" && job.group == group).count()
    }

    /// The waiting jobs that a fetch may take, the best first.
    fn eligible(&self, lifo: bool, name: Option<&str>, cap: Option<u8>) -> Vec<String> {
        let mut found: Vec<_> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.state == "waiting" && name.is_none_or(|name| name == job.name))
            .filter(|(_, job)| {
                job.group.is_empty() || cap.is_none_or(|cap| self.active_in(&job.group) < usize::from(cap))
            })
            .collect();
        found.sort_by_key(|(_, job)| (job.priority, if lifo { u64::MAX - job.place } else { job.place }));
        found.into_iter().map(|(id, _)| id.clone()).collect()
    }
}

fn opts(priority: i8) -> String {
    if priority == 0 { "{}".into() } else { format!("{{\"priority\":{priority}}}") }
}

fn apply(step: &Step, store: &mut Store, model: &mut Model) {
    match step {
        Step::Save { id, state, group, priority, key } => {
            save(store, model, *id, *state, *group, *priority, *key);
        }
        Step::Fetch { lifo, name, cap } => fetch(store, model, *lifo, *name, *cap),
        Step::Complete { nth, failed } => {
            if model.leases.is_empty() {
                return;
            }
            let lease = model.leases.remove(usize::from(*nth) % model.leases.len());
            let state = if *failed { "failed" } else { "completed" };
            let changes = [("state", Some(state)), ("lockUntil", None), ("lockedBy", None)];
            let when = When { owner: Some(lease_of(&lease)), ..When::default() };
            let answer = store.update(lease.id(), &changes, &when);
            match model.jobs.get(lease.id()).map(|job| job.state) {
                None => assert_eq!(answer, Reply::Int(0)),
                Some("active") if answer == Reply::Int(1) => model.enter(lease.id(), state),
                Some(_) => assert_eq!(answer, Reply::Int(-2)),
            }
        }
        Step::Move { id, state } => {
            let (id, state) = (id.to_string(), STATES[*state]);
            let changes = [
                ("state", Some(state)),
                ("delayUntil", Some("5")),
                ("lockedBy", Some("m")),
                ("lockUntil", Some("9")),
            ];
            let answer = store.update(&id, &changes, &When::default());
            assert_eq!(answer, Reply::Int(i64::from(model.jobs.contains_key(&id))));
            if model.jobs.get(&id).is_some_and(|job| job.state != state) {
                model.enter(&id, state);
            }
        }
        Step::Prioritise { id, priority } => {
            let when = When { priority: Some(priority.to_string()), ..When::default() };
            store.update(&id.to_string(), &[("opts", Some(&opts(*priority)))], &when);
            if let Some(job) = model.jobs.get_mut(&id.to_string()) {
                job.priority = *priority;
            }
        }
        Step::Remove { id } => {
            let answer = store.plain("removeJob", &[&id.to_string()]);
            assert_eq!(answer, Reply::Int(i64::from(model.jobs.contains_key(&id.to_string()))));
            model.remove(&id.to_string());
        }
        Step::Promote => {
            let order = store.client.command(&["ZRANGE", "{p:q}:delayed", "0", "-1"]).texts();
            assert_eq!(store.tokened("promoteDelayedJobs", &["+inf"]), Reply::Int(order.len() as i64));
            for id in &order {
                model.enter(id, "waiting");
            }
        }
        Step::Retry { failed } => {
            let state = if *failed { "failed" } else { "completed" };
            let order = store.client.command(&["ZRANGE", &format!("{{p:q}}:{state}"), "0", "-1"]).texts();
            assert_eq!(store.tokened("retryJobs", &[state]), Reply::Int(order.len() as i64));
            for id in &order {
                model.enter(id, "waiting");
            }
        }
        Step::Clean { state } => {
            let doomed = model.in_state(STATES[*state]);
            let dated = |store: &mut Store, id: &String| store.get(id).unwrap().get("processedAt").is_some();
            let doomed: Vec<_> =
                doomed.into_iter().filter(|id| STATES[*state] != "active" || dated(store, id)).collect();
            assert_eq!(store.plain("clean", &[STATES[*state], "0"]), Reply::Int(doomed.len() as i64));
            for id in &doomed {
                model.remove(id);
            }
        }
        Step::Drain => {
            let doomed: Vec<_> = STATES[..3].iter().flat_map(|state| model.in_state(state)).collect();
            assert_eq!(store.plain("drain", &[]), Reply::Int(doomed.len() as i64));
            for id in &doomed {
                model.remove(id);
            }
        }
        Step::Notify { id } => {
            let id = id.to_string();
            let state = store.tokened("notifyChildCompleted", &[&id]).text().to_owned();
            if model.jobs.get(&id).is_some_and(|job| job.state == "waiting-children") {
                model.enter(&id, "waiting");
            }
            assert_eq!(state, model.jobs.get(&id).map_or("completed", |job| job.state));
        }
        Step::FailParent { id } => {
            let id = id.to_string();
            let before = model.jobs.get(&id).map(|job| job.state);
            let answer = store.plain("failParentOnChildFailure", &[&id, "r"]);
            if matches!(before, Some("waiting" | "waiting-children")) {
                assert_eq!(answer, Reply::Int(1));
                model.enter(&id, "failed");
            }
        }
        Step::Push { id } => push(store, model, *id),
    }
}

fn save(store: &mut Store, model: &mut Model, id: u8, state: usize, group: u8, priority: i8, key: u8) {
    model.clock += 1;
    let id = id.to_string();
    let name = if priority < 0 { "mail" } else { "work" };
    let mut job = Job::new(&id).with("state", STATES[state]).with("name", name).with("opts", opts(priority));
    job = job.with("createdAt", model.clock).with("delayUntil", "5");
    if group > 0 {
        job = job.with("groupId", group);
    }
    if key == 1 {
        job = job.with("deduplicationKey", "k");
    }
    let owner = (key == 1).then(|| model.keys.get("k").cloned()).flatten();
    let saved = store.save(&job);
    if let Some(owner) = owner {
        assert_eq!(saved, owner);
        return;
    }
    assert_eq!(saved, id);
    if model.jobs.get(&id).is_some_and(|job| !matches!(job.state, "completed" | "failed")) {
        return;
    }
    let group = if group > 0 { group.to_string() } else { String::new() };
    let key = if key == 1 { "k".to_owned() } else { String::new() };
    if !key.is_empty() {
        model.keys.insert(key.clone(), id.clone());
    }
    model.jobs.insert(id, Known { state: STATES[state], group, priority, name, key, place: model.clock });
}

fn fetch(store: &mut Store, model: &mut Model, lifo: bool, name: Option<bool>, cap: Option<u8>) {
    let name = name.map(|mail| if mail { "mail" } else { "work" });
    let eligible = model.eligible(lifo, name, cap);
    let how = Fetch { lifo, name, cap: cap.map(i64::from), ..Fetch::default() };
    let (job, quarantined) = store.fetch_with("w", &how);
    assert!(quarantined.is_empty());
    let Some(job) = job else {
        assert!(eligible.is_empty(), "{eligible:?} were hidden");
        return;
    };
    if cap.is_some() {
        // Which group's turn it is, other tests tell; within the group the order holds.
        let group = model.jobs[job.id()].group.clone();
        let first = eligible.iter().find(|id| model.jobs[*id].group == group);
        assert_eq!(Some(job.id()), first.map(String::as_str));
    } else {
        assert_eq!(Some(job.id()), eligible.first().map(String::as_str));
    }
    model.enter(job.id(), "active");
    model.leases.push(job);
}

/// An original process adds a job: hash and list, nothing else. Without a priority: those of original processes count
/// from the first priority on that one of ours has seen.
fn push(store: &mut Store, model: &mut Model, id: u8) {
    let id = format!("foreign-{id}");
    if model.jobs.contains_key(&id) {
        return;
    }
    let job = Job::new(&id);
    let mut words = vec!["HSET".to_owned(), format!("{{p:q}}:job:{id}")];
    words.extend(job.0.iter().flat_map(|(field, value)| [(*field).to_owned(), value.clone()]));
    store.client.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    store.client.command(&["RPUSH", "{p:q}:waiting", &id]);
    model.clock += 1;
    let known = Known {
        state: "waiting",
        group: String::new(),
        priority: 0,
        name: "work",
        key: String::new(),
        place: model.clock,
    };
    model.jobs.insert(id, known);
}

fn check(store: &mut Store, model: &Model) {
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    for state in STATES {
        let key = format!("{{p:q}}:{state}");
        let ids = match state {
            "waiting" | "waiting-children" => store.client.command(&["LRANGE", &key, "0", "-1"]).texts(),
            "active" => store.client.command(&["SMEMBERS", &key]).texts(),
            _ => store.client.command(&["ZRANGE", &key, "0", "-1"]).texts(),
        };
        assert_eq!(sorted(ids), model.in_state(state), "{state}");
    }
    let hashes = store.client.command(&["KEYS", "{p:q}:job:*"]).list().len();
    assert_eq!(hashes, model.jobs.len(), "no orphan");
    for (id, known) in &model.jobs {
        let job = store.get(id).unwrap();
        assert_eq!(job.get("state"), Some(known.state));
        if known.state == "active" {
            assert!(job.get("lockedBy").is_some() && job.get("lockUntil").is_some());
        }
    }
    for group in ["1", "2"] {
        for (kind, state) in [("active", "active"), ("waiting", "waiting")] {
            let command = if kind == "active" { ["SMEMBERS"].as_slice() } else { &["ZRANGE"] };
            let key = format!("{{p:q}}:group:{group}:{kind}");
            let bounds: &[&str] = if kind == "active" { &[] } else { &["0", "-1"] };
            let ids = store.client.command(&[command, &[&key], bounds].concat()).texts();
            let members = model.jobs.iter().filter(|(_, job)| job.state == state && job.group == group);
            assert_eq!(sorted(ids), members.map(|(id, _)| id.clone()).collect::<Vec<_>>());
        }
    }
    for key in store.client.command(&["KEYS", "{p:q}:lock:*"]).texts() {
        let id = key.trim_start_matches("{p:q}:lock:");
        assert_eq!(model.jobs[id].state, "active", "a lock outlived its lease");
    }
    let owner = store.client.command(&["GET", "{p:q}:dedup:k"]);
    assert_eq!(owner, model.keys.get("k").map_or(Reply::Nil, |id| Reply::Text(id.clone())));
}

fn run_model(protocol: &str, cases: u32) {
    let server = Server::start();
    let mut store = Store::new(&server, "q");
    store.client.command(&["HELLO", protocol]);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..50);
    let store = std::cell::RefCell::new(&mut store);
    TestRunner::new(config)
        .run(&steps, |steps| {
            let store = &mut **store.borrow_mut();
            store.client.command(&["FLUSHALL"]);
            let mut model = Model::default();
            for step in &steps {
                apply(step, store, &mut model);
                check(store, &model);
            }
            Ok(())
        })
        .unwrap();
}

/// `PROPTEST_CASES` makes it longer.
#[test]
fn every_sequence_of_operations_keeps_the_invariants() {
    run_model("2", std::env::var("PROPTEST_CASES").map_or(150, |cases| cases.parse().unwrap()));
}

#[test]
fn the_invariants_hold_over_resp3_as_well() {
    run_model("3", 40);
}
