//! Everything that talks to a server. No job, workflow or lock words in here, and no JavaScript.
//!
//! An ecosystem sees only the seam: [`Args`] come in, a [`Request`] or a series of calls through
//! [`Caller`] goes out, a [`Value`] is read back, a [`ReplyBuilder`] is the answer.

mod advice;
mod answers;
mod args;
mod backoff;
pub mod clock;
mod cluster;
mod commands;
mod config;
mod dial;
mod dialogue;
mod handshake;
pub mod keyspace;
mod mux;
mod operation;
pub mod remote;
mod renewal;
mod reply;
mod request;
mod resp;
pub mod script;
mod secret;
mod steps;
mod subscriber;
mod tls;
mod topology;
mod url;

pub use advice::{Advice, Advisor, Attempt, Credentials};
pub use answers::{Class, classify, error_of};
pub use args::Args;
pub use backoff::Backoff;
pub use cluster::tag_of;
pub use commands::OPERATIONS;
pub use config::{
    Address, Cluster, Config, Family, Lane, Login, Protocol, RawAddress, RawOptions, RawTls, Sentinels,
    Servers, Target, Tls, TlsVersion,
};
pub use dial::{Dialler, PlainSocket, Stream};
pub use handshake::{Facts, handshake};
pub use mux::{Answer, Failure, Mux, Posted, Returned, Ticket, Watch};
pub use operation::{Deadline, Operation, Run, StepsFuture};
pub use renewal::{Heartbeat, Lock, Renewals};
pub use reply::{Frames, List, ReplyBuilder, Value};
#[cfg(feature = "node")]
pub(crate) use reply::{decimal, skip};
pub use request::{Repeat, Request};
#[cfg(feature = "node")]
pub(crate) use resp::plain;
pub use resp::{Limits, Scanner};
pub use script::Script;
pub use secret::Secret;
pub use steps::{Call, Caller, Outgoing, ReplyTo, Series};
pub use subscriber::{Subscriber, SubscriberEvent};
pub use topology::{Link, Notices, Purpose, Topology};
