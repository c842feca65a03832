//! Every key name of this ecosystem, written straight into the request.

use super::record::State;
use crate::error::Error;
use crate::redis::{Args, Request};

/// The name by which the whole queue is paused.
pub const ALL_NAMES: &[u8] = b"__all__";

/// One queue of one prefix: what its keys are built from.
#[derive(Clone, Copy, Debug)]
pub struct Queue<'a> {
    /// First segment of every key.
    pub prefix: &'a [u8],
    /// The queue's name, which goes into its keys as it is.
    pub name: &'a [u8],
}

impl<'a> Queue<'a> {
    /// The queue of a call whose first two arguments are prefix and queue name.
    ///
    /// # Errors
    /// When one is absent.
    pub fn of(args: &'a Args) -> Result<Self, Error> {
        Ok(Self { prefix: args.bytes(0, "keyPrefix")?, name: args.bytes(1, "queueName")? })
    }

    /// `T`, the base of the queue's keys: also the key by which a script is routed to them.
    pub fn base(self, request: &mut Request) {
        request.parts(&[b"{", self.prefix, b":", self.name, b"}"]);
    }

    /// `T:<suffix>`
    pub fn key(self, request: &mut Request, suffix: &[u8]) {
        request.parts(&[b"{", self.prefix, b":", self.name, b"}:", suffix]);
    }

    /// `T:<family><id>`; the family ends in a colon.
    pub fn member(self, request: &mut Request, family: &[u8], id: &[u8]) {
        request.parts(&[b"{", self.prefix, b":", self.name, b"}:", family, id]);
    }

    /// The index of a state.
    pub fn index(self, request: &mut Request, state: State) {
        self.key(request, state.name().as_bytes());
    }

    /// The hash of a job.
    pub fn job(self, request: &mut Request, id: &[u8]) {
        self.member(request, b"job:", id);
    }

    /// The paused job names.
    pub fn paused(self, request: &mut Request) {
        self.key(request, b"paused");
    }

    /// The children of a flow parent in this queue.
    pub fn children(self, request: &mut Request, parent: &[u8]) {
        request.parts(&[b"{", self.prefix, b":", self.name, b"}:flow:", parent, b":children"]);
    }

    /// The active (`kind` is `active`) or waiting jobs of a group.
    pub fn group(self, request: &mut Request, group: &[u8], kind: &[u8]) {
        request.parts(&[b"{", self.prefix, b":", self.name, b"}:group:", group, b":", kind]);
    }

    /// The periods of a granularity that have a metrics bucket.
    pub fn metric_periods(self, request: &mut Request, granularity: &[u8]) {
        self.member(request, b"x:m:", granularity);
    }

    /// One metrics bucket.
    pub fn metric_bucket(self, request: &mut Request, granularity: &[u8], period: &[u8]) {
        request.parts(&[b"{", self.prefix, b":", self.name, b"}:x:m:", granularity, b":", period]);
    }

    /// What every key of the queue begins with.
    pub fn stem(self) -> Vec<u8> {
        [b"{", self.prefix, b":", self.name, b"}:"].concat()
    }
}

/// The set of all queue names.
pub fn registry(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":queues"]);
}

/// The channel of all events.
pub fn events(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":events"]);
}

/// The key of the schema version.
pub fn schema(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":schema"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Repeat;

    fn written(write: impl FnOnce(&mut Request)) -> String {
        let mut request = Request::new(Repeat::Freely);
        request.command("X", 1);
        write(&mut request);
        let text = String::from_utf8(request.into_bytes()).unwrap();
        text.split("\r\n").nth(4).unwrap().to_owned()
    }

    #[test]
    fn keys_are_those_of_the_original() {
        let queue = Queue { prefix: b"conveyor", name: b"a}*:b" };
        assert_eq!(written(|r| queue.base(r)), "{conveyor:a}*:b}");
        assert_eq!(written(|r| queue.index(r, State::WaitingChildren)), "{conveyor:a}*:b}:waiting-children");
        assert_eq!(written(|r| queue.job(r, b"7")), "{conveyor:a}*:b}:job:7");
        assert_eq!(written(|r| queue.group(r, b"g", b"active")), "{conveyor:a}*:b}:group:g:active");
        assert_eq!(written(|r| queue.children(r, b"p")), "{conveyor:a}*:b}:flow:p:children");
        assert_eq!(written(|r| registry(r, b"conveyor")), "conveyor:queues");
        assert_eq!(written(|r| events(r, b"conveyor")), "conveyor:events");
        assert_eq!(written(|r| schema(r, b"conveyor")), "conveyor:schema");
    }
}
