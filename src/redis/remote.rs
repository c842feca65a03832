//! The runtime lane's end of a connection: a task that carries encoded requests to the server and complete
//! answers back, for TLS and for hosts without libuv. It keeps trying until its orders end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, WriteHalf};
use tokio::sync::mpsc::UnboundedReceiver;

use super::cluster::route;
use super::{Answer, Failure, Link, Mux, Posted, Purpose, Returned, Stream, Topology, clock};
use crate::error::{Code, Error};

/// Requests that were encoded elsewhere.
#[derive(Debug)]
pub struct Order {
    /// Their encoding, end to end.
    pub bytes: Vec<u8>,
    /// What `bytes` consists of.
    pub posted: Vec<Posted>,
}

/// What the task reports.
#[derive(Debug)]
pub enum News {
    /// A connection stands.
    Up,
    /// Dialling failed, or the connection broke. It is being replaced.
    Fault(Error),
    /// Complete answers, as ranges of `bytes`.
    Answers {
        /// The frames.
        bytes: Vec<u8>,
        /// Whose they are.
        answers: Vec<Answer>,
    },
    /// Requests that failed.
    Failures(Vec<Failure>),
    /// Requests that a node of a cluster does not carry out.
    Returned(Vec<Returned>),
    /// The orders have ended and everything is settled.
    Ended,
}

/// How often deadlines are looked at.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// Carries requests until the sender of `orders` is dropped. `queued` always has the bytes that wait.
pub async fn carry(
    topology: Topology,
    mut mux: Mux,
    mut orders: UnboundedReceiver<Order>,
    queued: Arc<AtomicUsize>,
    report: impl Fn(News) + Send + Sync,
) {
    if let Some(cluster) = topology.as_cluster() {
        return route(cluster.clone(), mux, orders, queued, report).await;
    }
    // A connection that nobody calls on is not opened.
    let Some(first) = orders.recv().await else { return report(News::Ended) };
    mux_take(&mut mux, first);
    queued.store(mux.queued_bytes(), Ordering::Relaxed);
    loop {
        let Some(link) = connect(&topology, &mut mux, &mut orders, &queued, &report).await else { break };
        mux.attach(clock::now());
        report(News::Up);
        let Some(error) = exchange(link, &mut mux, &mut orders, &queued, &report).await else { break };
        let mut failures = Vec::new();
        mux.lost(&error, &mut failures);
        tell(failures, &report);
        report(News::Fault(error));
    }
    let mut failures = Vec::new();
    mux.close(&Error::new(Code::Closed, "the connection was closed"), &mut failures);
    tell(failures, &report);
    report(News::Ended);
}

/// Dials until there is a connection, taking orders and keeping deadlines meanwhile.
async fn connect(
    topology: &Topology,
    mux: &mut Mux,
    orders: &mut UnboundedReceiver<Order>,
    queued: &AtomicUsize,
    report: &(impl Fn(News) + Sync),
) -> Option<Link> {
    let refusal = std::sync::Mutex::new(None);
    let mut dial = std::pin::pin!(topology.connect_forever(Purpose::Calls, |error: Error| {
        if matches!(error.code, Code::Auth | Code::Config)
            && let Ok(mut refusal) = refusal.lock()
        {
            *refusal = Some(error.clone());
        }
        report(News::Fault(error));
    }));
    let mut failures = Vec::new();
    loop {
        tokio::select! {
            link = &mut dial => return Some(link),
            order = orders.recv() => mux_take(mux, order?),
            () = tokio::time::sleep(TICK) => {}
        }
        // Without a connection a tick only rejects.
        let _ = mux.tick(clock::now(), &mut failures);
        if let Ok(mut refusal) = refusal.lock()
            && let Some(error) = refusal.take()
        {
            mux.close(&error, &mut failures);
        }
        tell(std::mem::take(&mut failures), report);
        queued.store(mux.queued_bytes(), Ordering::Relaxed);
    }
}

/// Moves bytes both ways. `Some`: the connection must be replaced. `None`: the orders have ended.
pub(super) async fn exchange(
    link: Link,
    mux: &mut Mux,
    orders: &mut UnboundedReceiver<Order>,
    queued: &AtomicUsize,
    report: &impl Fn(News),
) -> Option<Error> {
    let broken = |what: &str, error: &std::io::Error| {
        Some(Error::new(Code::Connection, format!("{what}: {}", error.kind())).retryable())
    };
    let (mut reading, mut writing) = tokio::io::split(link.stream);
    let mut notices = link.notices;
    let mut replaced = std::pin::pin!(notices.replaced());
    let mut ticker = tokio::time::interval(TICK);
    let mut input = vec![0; 64 << 10];
    // Encryption may hold back what was written until it is flushed.
    let mut unflushed = false;
    loop {
        let unsent = !mux.unsent().is_empty();
        tokio::select! {
            biased;
            moved = &mut replaced => return Some(moved),
            received = reading.read(&mut input) => match received {
                Ok(0) => return Some(Error::new(Code::Connection, "the server closed the connection").retryable()),
                Ok(n) => {
                    let mut rest = &input[..n];
                    while !rest.is_empty() {
                        let space = mux.space();
                        let (first, later) = rest.split_at(rest.len().min(space.len()));
                        space[..first.len()].copy_from_slice(first);
                        mux.read(first.len(), clock::now());
                        rest = later;
                    }
                    if let Err(error) = answer(mux, report) {
                        return Some(error);
                    }
                    if n == input.len() && n < 1 << 20 {
                        input.resize(n * 2, 0);
                    }
                }
                Err(error) => return broken("reading failed", &error),
            },
            order = orders.recv() => {
                mux_take(mux, order?);
                while let Ok(order) = orders.try_recv() {
                    mux_take(mux, order);
                }
            }
            pushed = push(&mut writing, mux.unsent()), if unsent || unflushed => match pushed {
                Ok(n) => {
                    unflushed = n > 0;
                    mux.wrote(n, clock::now());
                }
                Err(error) => return broken("writing failed", &error),
            },
            _ = ticker.tick() => {
                let mut failures = Vec::new();
                let health = mux.tick(clock::now(), &mut failures);
                tell(failures, report);
                if let Err(error) = health {
                    return Some(error);
                }
            }
        }
        queued.store(mux.queued_bytes(), Ordering::Relaxed);
        if mux.take_demoted() {
            return Some(Error::new(Code::Connection, "the server is a replica now").retryable());
        }
    }
}

/// Writes some of `bytes`, or flushes when there are none: one step at a time, so that a full socket holds up
/// neither reading nor deadlines.
async fn push(writing: &mut WriteHalf<Stream>, bytes: &[u8]) -> std::io::Result<usize> {
    if bytes.is_empty() {
        return writing.flush().await.map(|()| 0);
    }
    match writing.write(bytes).await? {
        0 => Err(std::io::ErrorKind::WriteZero.into()),
        n => Ok(n),
    }
}

pub(super) fn mux_take(mux: &mut Mux, order: Order) {
    mux.enqueue(&order.bytes, order.posted);
}

fn answer(mux: &mut Mux, report: &impl Fn(News)) -> Result<(), Error> {
    let mut answers = Vec::new();
    let result = mux.answers(&mut answers, clock::now());
    let input = mux.lend_input();
    if let (Some(first), Some(last)) = (answers.first(), answers.last()) {
        let from = first.start;
        let bytes = input[from..last.end].to_vec();
        for answer in &mut answers {
            answer.start -= from;
            answer.end -= from;
        }
        report(News::Answers { bytes, answers });
    }
    mux.return_input(input);
    let redirected = mux.take_redirected();
    if !redirected.is_empty() {
        report(News::Returned(redirected));
    }
    result
}

pub(super) fn tell(failures: Vec<Failure>, report: &impl Fn(News)) {
    if !failures.is_empty() {
        report(News::Failures(failures));
    }
}
