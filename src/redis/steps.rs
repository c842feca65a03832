//! Operations of several round trips, as ordinary async functions.
//!
//! They run on the thread that owns the connection's callers and wait for nothing but replies, so no
//! reactor and no waker is needed: whoever delivers a reply polls the operation it belongs to.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::{Frames, Repeat, ReplyBuilder, Request, StepsFuture};
use crate::error::Error;

/// The answer to one call inside a series, once it is there.
type Answer = Rc<RefCell<Option<Result<Frames, Error>>>>;

/// A request that a series wants sent, and where its answer goes.
#[derive(Debug)]
pub struct Outgoing {
    /// What to send.
    pub request: Request,
    /// Hands the answer back to the series.
    pub reply_to: ReplyTo,
}

/// Where the answer to one call of a series goes.
#[derive(Debug)]
pub struct ReplyTo {
    /// The series to poll afterwards.
    pub series: usize,
    answer: Answer,
}

impl ReplyTo {
    /// Stores the answer. Poll the series next.
    pub fn fill(self, answer: Result<Frames, Error>) {
        *self.answer.borrow_mut() = Some(answer);
    }
}

type Outbox = Rc<RefCell<VecDeque<Outgoing>>>;

/// The way an operation reaches the server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    series: usize,
    outbox: Outbox,
    in_cluster: bool,
}

impl Caller {
    /// Whether it leads to a cluster.
    #[must_use]
    pub const fn is_to_cluster(&self) -> bool {
        self.in_cluster
    }

    /// An empty request that knows whether it goes to a cluster.
    #[must_use]
    pub const fn request(&self, repeat: Repeat) -> Request {
        let mut request = Request::new(repeat);
        request.set_to_cluster(self.in_cluster);
        request
    }

    /// Sends `request`; the future is ready when all its commands are answered.
    /// Several calls may be under way at once: they share a round trip.
    pub fn call(&self, request: Request) -> Call {
        let answer = Answer::default();
        let reply_to = ReplyTo { series: self.series, answer: Rc::clone(&answer) };
        self.outbox.borrow_mut().push_back(Outgoing { request, reply_to });
        Call { answer }
    }
}

/// The answer to come of [`Caller::call`].
#[derive(Debug)]
#[must_use = "the request is sent either way, but nobody sees its answer"]
pub struct Call {
    answer: Answer,
}

impl Future for Call {
    type Output = Result<Frames, Error>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.borrow_mut().take().map_or(Poll::Pending, Poll::Ready)
    }
}

/// The series under way on one connection.
#[derive(Default)]
pub struct Series {
    running: Vec<Option<StepsFuture>>,
    free: Vec<usize>,
    outbox: Outbox,
    in_cluster: bool,
}

impl Series {
    /// No series yet, on a connection to a cluster or not.
    #[must_use]
    pub fn new(in_cluster: bool) -> Self {
        Self { in_cluster, ..Self::default() }
    }

    /// Begins a series. Poll it with the returned number, at once and after each answer.
    pub fn begin(&mut self, start: impl FnOnce(Caller) -> StepsFuture) -> usize {
        let series = self.free.pop().unwrap_or_else(|| {
            self.running.push(None);
            self.running.len() - 1
        });
        self.running[series] =
            Some(start(Caller { series, outbox: Rc::clone(&self.outbox), in_cluster: self.in_cluster }));
        series
    }

    /// Takes a series on as far as it goes. `Some` when it has ended; its number is free then.
    pub fn poll(&mut self, series: usize) -> Option<Result<ReplyBuilder, Error>> {
        let future = self.running.get_mut(series)?.as_mut()?;
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => None,
            Poll::Ready(result) => {
                self.end(series);
                Some(result)
            }
        }
    }

    /// Forgets a series, as after a panic in it.
    pub fn end(&mut self, series: usize) {
        if self.running.get_mut(series).and_then(Option::take).is_some() {
            self.free.push(series);
        }
    }

    /// The next request that a series wants sent.
    #[must_use]
    pub fn outgoing(&self) -> Option<Outgoing> {
        self.outbox.borrow_mut().pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping() -> Request {
        let mut request = Request::new(Repeat::Freely);
        request.command("PING", 0);
        request
    }

    #[test]
    fn a_series_waits_for_each_answer_and_ends_with_its_reply() {
        let mut series = Series::default();
        let id = series.begin(|caller| {
            Box::pin(async move {
                let (first, second) = (caller.call(ping()), caller.call(ping()));
                let sum =
                    first.await?.first()?.int().unwrap_or(0) + second.await?.first()?.int().unwrap_or(0);
                let mut reply = ReplyBuilder::new();
                reply.int(sum);
                Ok(reply)
            })
        });
        assert!(series.poll(id).is_none());
        let sent: Vec<_> = std::iter::from_fn(|| series.outgoing()).collect();
        assert_eq!(sent.len(), 2, "both calls share a round trip");
        for outgoing in sent {
            outgoing.reply_to.fill(Ok(Frames::new(b":21\r\n".to_vec(), 1)));
        }
        let reply = series.poll(id).expect("ended").expect("well");
        assert_eq!(reply.into_bytes(), b":42\r\n");
        assert!(series.poll(id).is_none(), "a finished series is forgotten");
    }
}
