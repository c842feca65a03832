//! A store as the TypeScript side drives it: prefix, instance and call counter, jobs as field maps.

use std::collections::BTreeMap;

use ferrodis::error::Error;
use ferrodis::redis::Args;

use crate::client::{Client, Reply};
use crate::server::Server;

/// The fields of a job, in the order in which they cross.
pub const FIELDS: [&str; 28] = [
    "id",
    "queueName",
    "name",
    "state",
    "attemptsMade",
    "progress",
    "pendingChildrenCount",
    "failedReason",
    "deduplicationKey",
    "lockedBy",
    "parentId",
    "parentQueueName",
    "groupId",
    "discarded",
    "createdAt",
    "processedAt",
    "completedAt",
    "failedAt",
    "delayUntil",
    "lockUntil",
    "cancelledAt",
    "data",
    "returnvalue",
    "opts",
    "logs",
    "stacktrace",
    "attemptLogs",
    "childrenIds",
];

/// A job, or changes to one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job(pub BTreeMap<&'static str, String>);

impl Job {
    /// A job as the host creates it.
    pub fn new(id: &str) -> Self {
        let plain = [
            ("id", id),
            ("queueName", "q"),
            ("name", "work"),
            ("state", "waiting"),
            ("attemptsMade", "0"),
            ("progress", "0"),
            ("pendingChildrenCount", "0"),
            ("discarded", "0"),
            ("createdAt", "1000"),
            ("data", "{\"n\":1}"),
            ("opts", "{}"),
            ("logs", "[]"),
            ("stacktrace", "[]"),
            ("attemptLogs", "[]"),
            ("childrenIds", "[]"),
        ];
        Self(plain.into_iter().map(|(field, value)| (field, value.to_owned())).collect())
    }

    pub fn with(mut self, field: &'static str, value: impl std::fmt::Display) -> Self {
        self.0.insert(field, value.to_string());
        self
    }

    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    pub fn id(&self) -> &str {
        self.get("id").unwrap_or_default()
    }

    fn of(reply: &Reply) -> Option<Self> {
        let Reply::List(values) = reply else { return None };
        assert_eq!(values.len(), FIELDS.len());
        let fields = FIELDS.into_iter().zip(values).filter(|(_, value)| **value != Reply::Nil);
        let job: BTreeMap<_, _> = fields.map(|(field, value)| (field, value.text().to_owned())).collect();
        (!job.is_empty()).then_some(Self(job))
    }

    fn push(&self, args: &mut Args) {
        for field in FIELDS {
            push(args, self.get(field));
        }
    }
}

/// How a job is fetched; the default is what a plain worker asks for.
#[derive(Clone, Debug, Default)]
pub struct Fetch {
    pub lifo: bool,
    pub name: Option<&'static str>,
    pub limit: Option<(i64, i64)>,
    pub cap: Option<i64>,
    pub excluded: Vec<String>,
}

/// Conditions of an update.
#[derive(Clone, Debug, Default)]
pub struct When {
    pub owner: Option<(String, String)>,
    pub sweep: Option<String>,
    pub expected: Vec<&'static str>,
    pub metrics: bool,
    pub priority: Option<String>,
}

pub struct Store {
    pub client: Client,
    pub queue: String,
    instance: String,
    calls: u64,
}

impl Store {
    pub fn new(server: &Server, queue: &str) -> Self {
        Self::named(server, queue, "instance-a")
    }

    pub fn named(server: &Server, queue: &str, instance: &str) -> Self {
        let client = Client::connect(server);
        Self { client, queue: queue.to_owned(), instance: instance.to_owned(), calls: 0 }
    }

    /// A key of the queue.
    pub fn key(&self, suffix: &str) -> String {
        format!("{{p:{}}}:{suffix}", self.queue)
    }

    /// Makes the next call look like a repetition of the last one.
    pub const fn repeat_last(&mut self) {
        self.calls -= 1;
    }

    fn args(&mut self, tokened: bool) -> Args {
        let mut args: Args = ["p", &self.queue].into_iter().collect();
        if tokened {
            self.token(&mut args);
        }
        args
    }

    fn token(&mut self, args: &mut Args) {
        self.calls += 1;
        args.push(self.instance.as_bytes());
        args.push(self.calls.to_string().as_bytes());
    }

    /// An operation that takes prefix, queue and these.
    pub fn plain(&mut self, operation: &str, rest: &[&str]) -> Reply {
        self.try_plain(operation, rest).unwrap()
    }

    pub fn try_plain(&mut self, operation: &str, rest: &[&str]) -> Result<Reply, Error> {
        let mut args = self.args(false);
        for arg in rest {
            args.push(arg.as_bytes());
        }
        self.client.call(operation, args)
    }

    /// An operation that takes prefix, queue, token and these.
    pub fn tokened(&mut self, operation: &str, rest: &[&str]) -> Reply {
        let mut args = self.args(true);
        for arg in rest {
            args.push(arg.as_bytes());
        }
        self.client.call(operation, args).unwrap()
    }

    /// An operation that takes the prefix and these; `None` crosses as absent.
    pub fn global(&mut self, operation: &str, rest: &[Option<&str>]) -> Reply {
        let mut args: Args = std::iter::once("p").collect();
        for arg in rest {
            push(&mut args, *arg);
        }
        self.client.call(operation, args).unwrap()
    }

    pub fn save(&mut self, job: &Job) -> String {
        self.try_save(job, None).unwrap()
    }

    /// Saves a job without moving the call counter on.
    pub fn save_and_keep_call(&mut self, job: &Job) {
        let calls = std::mem::replace(&mut self.calls, 1_000_000);
        self.save(job);
        self.calls = calls;
    }

    pub fn save_dedup(&mut self, job: &Job, ttl: Option<&str>) -> String {
        self.try_save(job, ttl).unwrap()
    }

    pub fn try_save(&mut self, job: &Job, ttl: Option<&str>) -> Result<String, Error> {
        let mut args = self.args(true);
        push_draft(&mut args, job, ttl);
        Ok(self.client.call("saveJob", args)?.text().to_owned())
    }

    pub fn save_bulk(&mut self, jobs: &[Job]) -> Vec<String> {
        let mut args = self.args(true);
        for job in jobs {
            push_draft(&mut args, job, None);
        }
        self.client.call("saveBulk", args).unwrap().texts()
    }

    pub fn save_flow(&mut self, jobs: &[(&str, Job)]) -> Vec<String> {
        let mut args: Args = std::iter::once("p").collect();
        self.token(&mut args);
        for (queue, job) in jobs {
            args.push(queue.as_bytes());
            push_draft(&mut args, job, None);
        }
        self.client.call("saveFlow", args).unwrap().texts()
    }

    pub fn get(&mut self, id: &str) -> Option<Job> {
        Job::of(&self.plain("getJob", &[id]))
    }

    pub fn state(&mut self, id: &str) -> Option<String> {
        self.get(id).and_then(|job| job.get("state").map(str::to_owned))
    }

    pub fn fetch(&mut self, worker: &str) -> Option<Job> {
        self.fetch_with(worker, &Fetch::default()).0
    }

    pub fn fetch_with(&mut self, worker: &str, how: &Fetch) -> (Option<Job>, Vec<String>) {
        self.try_fetch(worker, "30000", how).unwrap()
    }

    pub fn try_fetch(
        &mut self,
        worker: &str,
        lock: &str,
        how: &Fetch,
    ) -> Result<(Option<Job>, Vec<String>), Error> {
        let mut args = self.args(true);
        args.push(worker.as_bytes());
        args.push(lock.as_bytes());
        args.push(if how.lifo { b"1" } else { b"0" });
        push(&mut args, how.name);
        push(&mut args, how.limit.map(|limit| limit.0.to_string()).as_deref());
        push(&mut args, how.limit.map(|limit| limit.1.to_string()).as_deref());
        push(&mut args, how.cap.map(|cap| cap.to_string()).as_deref());
        for group in &how.excluded {
            args.push(group.as_bytes());
        }
        let reply = self.client.call("fetchNextJob", args)?;
        let [job, quarantined] = reply.list() else { panic!("{reply:?}") };
        Ok((Job::of(job), quarantined.texts()))
    }

    /// Updates a job; an empty list of changes with `None` clears the field.
    pub fn update(&mut self, id: &str, changes: &[(&str, Option<&str>)], when: &When) -> Reply {
        self.try_update(id, changes, when).unwrap()
    }

    pub fn try_update(
        &mut self,
        id: &str,
        changes: &[(&str, Option<&str>)],
        when: &When,
    ) -> Result<Reply, Error> {
        let mut args = self.args(true);
        args.push(id.as_bytes());
        push(&mut args, when.owner.as_ref().map(|owner| owner.0.as_str()));
        push(&mut args, when.owner.as_ref().map(|owner| owner.1.as_str()));
        push(&mut args, when.sweep.as_deref());
        args.push(if when.metrics { b"1" } else { b"0" });
        push(&mut args, when.priority.as_deref());
        args.push(when.expected.len().to_string().as_bytes());
        for state in &when.expected {
            args.push(state.as_bytes());
        }
        for (field, value) in changes {
            args.push(field.as_bytes());
            push(&mut args, *value);
        }
        self.client.call("updateJob", args)
    }

    /// The job's worker completes it.
    pub fn complete(&mut self, job: &Job) -> Reply {
        let changes = [
            ("state", Some("completed")),
            ("completedAt", Some("2000")),
            ("lockUntil", None),
            ("lockedBy", None),
        ];
        self.update(job.id(), &changes, &When { owner: Some(lease_of(job)), ..When::default() })
    }

    pub fn jobs(&mut self, operation: &str, rest: &[&str]) -> Vec<Job> {
        jobs_of(&self.plain(operation, rest))
    }

    pub fn ids(&mut self, operation: &str, rest: &[&str]) -> Vec<String> {
        self.jobs(operation, rest).iter().map(|job| job.id().to_owned()).collect()
    }

    pub fn list_ids(&mut self, state: &str) -> Vec<String> {
        self.ids("listJobs", &[state, "0", "100000"])
    }

    /// Waiting, waiting-children, delayed, active, completed, failed.
    pub fn counts(&mut self) -> Vec<i64> {
        self.plain("getJobCounts", &[]).list().iter().map(Reply::int).collect()
    }

    /// Runs `action` and returns how many round trips it took.
    pub fn trips(&mut self, action: impl FnOnce(&mut Self)) -> usize {
        let before = self.client.round_trips;
        action(self);
        self.client.round_trips - before
    }

    pub fn server_ms(&mut self) -> i64 {
        let time = self.client.command(&["TIME"]);
        let [seconds, micros] = time.list() else { panic!("{time:?}") };
        seconds.int() * 1000 + micros.int() / 1000
    }
}

/// The lease identity of a job as it was fetched.
pub fn lease_of(job: &Job) -> (String, String) {
    (job.get("lockedBy").unwrap().to_owned(), job.get("processedAt").unwrap().to_owned())
}

pub fn jobs_of(reply: &Reply) -> Vec<Job> {
    reply.list().iter().map(|job| Job::of(job).expect("a job")).collect()
}

fn push(args: &mut Args, value: Option<&str>) {
    match value {
        Some(value) => args.push(value.as_bytes()),
        None => args.push_absent(),
    }
}

fn push_draft(args: &mut Args, job: &Job, ttl: Option<&str>) {
    push(args, ttl);
    let opts: serde_json::Value = serde_json::from_str(job.get("opts").unwrap_or("{}")).unwrap();
    args.push(opts["priority"].as_f64().unwrap_or(0.0).to_string().as_bytes());
    job.push(args);
}
