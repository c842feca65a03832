//! An operation: what one call from TypeScript does. Each ecosystem has a table of them.

use std::future::Future;
use std::pin::Pin;

use super::{Args, Caller, Repeat, ReplyBuilder, Request};
use crate::error::Error;

/// How long a call may take before it is rejected. The lengths are options of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// The ordinary deadline, 10 s by default.
    Call,
    /// For bulk and listing calls, 30 s by default. It holds for each round trip of a series.
    Bulk,
    /// None: the call waits for the server for ever, or until it is closed.
    Forever,
}

/// The future of an operation that needs several round trips.
pub type StepsFuture = Pin<Box<dyn Future<Output = Result<ReplyBuilder, Error>>>>;

/// How an operation is carried out.
#[derive(Clone, Copy)]
pub enum Run {
    /// One request, answered by one reply: no future, no allocation.
    /// More than one command in it is answered by the list of their replies.
    Once(fn(&Args, &mut Request) -> Result<(), Error>),
    /// A series of round trips, chosen as replies come in.
    Steps(fn(Args, Caller) -> StepsFuture),
}

/// One row of an ecosystem's table.
#[derive(Clone, Copy)]
pub struct Operation {
    /// `<ecosystem>.<method>`, as TypeScript and error messages name it.
    pub name: &'static str,
    /// Whether a lost reply may be answered by sending again. [`Run::Steps`] says so per request.
    pub repeat: Repeat,
    /// Which deadline holds.
    pub deadline: Deadline,
    /// What to do.
    pub run: Run,
}
