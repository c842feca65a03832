//! The job record: the fields of its hash and the states it can be in.

use super::keys::Queue;
use crate::error::Error;
use crate::redis::{Args, List, Request, Value};

/// The 28 fields of a job hash, in the order in which jobs cross the boundary both ways.
pub const FIELDS: [&[u8]; 28] = [
    b"id",
    b"queueName",
    b"name",
    b"state",
    b"attemptsMade",
    b"progress",
    b"pendingChildrenCount",
    b"failedReason",
    b"deduplicationKey",
    b"lockedBy",
    b"parentId",
    b"parentQueueName",
    b"groupId",
    b"discarded",
    b"createdAt",
    b"processedAt",
    b"completedAt",
    b"failedAt",
    b"delayUntil",
    b"lockUntil",
    b"cancelledAt",
    b"data",
    b"returnvalue",
    b"opts",
    b"logs",
    b"stacktrace",
    b"attemptLogs",
    b"childrenIds",
];

/// Positions in [`FIELDS`] of what the operations themselves look at.
pub mod field {
    pub const ID: usize = 0;
    pub const STATE: usize = 3;
    pub const DEDUPLICATION_KEY: usize = 8;
    pub const PARENT_ID: usize = 10;
    pub const PARENT_QUEUE_NAME: usize = 11;
    pub const GROUP_ID: usize = 12;
    pub const CREATED_AT: usize = 14;
    pub const COMPLETED_AT: usize = 16;
    pub const FAILED_AT: usize = 17;
    pub const DELAY_UNTIL: usize = 18;
}

/// The states of a job; each has one index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    WaitingChildren,
    Delayed,
    Active,
    Completed,
    Failed,
}

/// The type of a state's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    List,
    Set,
    Sorted,
}

impl State {
    /// All states, in the order in which counts are reported.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::WaitingChildren, Self::Delayed, Self::Active, Self::Completed, Self::Failed];

    /// The state's text, which is also the name of its index.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::WaitingChildren => "waiting-children",
            Self::Delayed => "delayed",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The state with this text.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name().as_bytes() == text)
    }

    /// Argument `index` as a state.
    ///
    /// # Errors
    /// When it is none.
    pub fn of(args: &Args, index: usize) -> Result<Self, Error> {
        Self::parse(args.bytes(index, "state")?).ok_or_else(|| Error::argument("state", "is not a job state"))
    }

    /// The type of the state's index.
    pub const fn shape(self) -> Shape {
        match self {
            Self::Waiting | Self::WaitingChildren => Shape::List,
            Self::Active => Shape::Set,
            Self::Delayed | Self::Completed | Self::Failed => Shape::Sorted,
        }
    }

    /// The command that counts the state's index.
    pub const fn count_command(self) -> &'static str {
        match self.shape() {
            Shape::List => "LLEN",
            Shape::Set => "SCARD",
            Shape::Sorted => "ZCARD",
        }
    }
}

/// Adds the command that reads a whole job. A missing job is answered by 28 times nil.
pub fn read_job(request: &mut Request, queue: Queue<'_>, id: &[u8]) {
    read_fields(request, queue, id, &FIELDS);
}

/// Adds the command that reads some fields of a job.
pub fn read_fields(request: &mut Request, queue: Queue<'_>, id: &[u8], fields: &[&[u8]]) {
    request.command("HMGET", 1 + fields.len());
    queue.job(request, id);
    for field in fields {
        request.arg(field);
    }
}

/// Whether a reply to [`read_job`] is a job at all.
pub fn exists(job: Value<'_>) -> bool {
    job.list().any(|field| field != Value::Nil)
}

/// A date field as milliseconds, when it is a number.
pub fn millis(value: Option<Value<'_>>) -> Option<f64> {
    number(value?.text()?)
}

/// Decimal text as a finite number.
pub fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// The text of each element that is one.
pub fn texts(list: List<'_>) -> Vec<Vec<u8>> {
    list.filter_map(Value::text).map(<[u8]>::to_vec).collect()
}
