//! The calls under way: whose each command is, and what becomes of its reply.

use crate::error::{Code, Error, Outcome};
use crate::redis::remote::News;
use crate::redis::reply::split;
use crate::redis::{Answer, Failure, Posted, Repeat, ReplyBuilder, Request, Ticket, Value};

/// Cursors of SCAN carry the index of the node they belong to: a cluster has at most a thousand.
const NODES: u64 = 1024;

/// See the module's text.
#[derive(Default)]
pub struct Calls {
    commands: Slab<Command>,
    groups: Slab<Group>,
    bytes: Vec<u8>,
    answers: Vec<Answer>,
    failures: Vec<Failure>,
}

/// A command under way.
#[derive(Debug)]
struct Command {
    whose: Owner,
    /// For SCAN: the index of the node that is scanned.
    scanned: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Owner {
    /// A request of one command.
    Caller(Ticket),
    /// One of several: the group and the place in it.
    Group(u32, usize),
}

/// A request of several commands.
#[derive(Debug)]
struct Group {
    ticket: Ticket,
    frames: Vec<Vec<u8>>,
    left: usize,
    /// Leading replies that nobody wants, unless they are errors.
    unanswered: usize,
    failure: Option<Error>,
}

impl Calls {
    /// Begins a request: the commands to send, each with a ticket of its own.
    pub fn begin(&mut self, request: Posted, bytes: &[u8]) -> Vec<(Posted, Vec<u8>)> {
        let Some(ticket) = request.ticket else { return Vec::new() };
        if request.commands == 1 {
            return vec![self.command(Owner::Caller(ticket), request, bytes)];
        }
        let count = request.commands as usize;
        let group = Group {
            ticket,
            frames: vec![Vec::new(); count],
            left: count,
            unanswered: request.unanswered as usize,
            failure: None,
        };
        let group = self.groups.insert(group);
        let mut rest = bytes;
        (0..count)
            .map(|place| {
                let (_, later) = split(rest);
                let bytes = &rest[..rest.len() - later.len()];
                rest = later;
                self.command(Owner::Group(group, place), request, bytes)
            })
            .collect()
    }

    fn command(&mut self, whose: Owner, request: Posted, bytes: &[u8]) -> (Posted, Vec<u8>) {
        let (scanned, bytes) = match scan(bytes) {
            Some((index, bytes)) => (Some(index), bytes),
            None => (None, bytes.to_vec()),
        };
        let ticket = self.commands.insert(Command { whose, scanned });
        (Posted::new(ticket, 1, bytes.len(), request.repeat, request.deadline), bytes)
    }

    /// The index of the node that a command scans.
    pub fn scanned(&self, ticket: Ticket) -> Option<usize> {
        self.commands.get(ticket).and_then(|command| command.scanned)
    }

    /// A command was answered, in a cluster of `masters`.
    pub fn answer(&mut self, ticket: Ticket, frame: &[u8], masters: usize) {
        let Some(command) = self.commands.take(ticket) else { return };
        if let Value::Error(text) = Value::parse(frame)
            && (text.starts_with(b"CROSSSLOT")
                || memchr::memmem::find(text, b"access a non local key").is_some())
        {
            let message = "the keys of this call lie in several slots of the cluster";
            return self.settle(command.whose, Err(Error::new(Code::Unsupported, message)));
        }
        match command.scanned {
            Some(index) => self.settle(command.whose, Ok(&scanned(frame, index, masters))),
            None => self.settle(command.whose, Ok(frame)),
        }
    }

    /// A command failed.
    pub fn fail(&mut self, ticket: Ticket, error: Error) {
        if let Some(command) = self.commands.take(ticket) {
            self.settle(command.whose, Err(error));
        }
    }

    /// Everything fails, and may have been carried out.
    pub fn fail_all(&mut self, error: &Error) {
        for ticket in 0..self.commands.len() {
            self.fail(ticket, error.clone().outcome(Outcome::Unknown));
        }
    }

    fn settle(&mut self, whose: Owner, result: Result<&[u8], Error>) {
        match whose {
            Owner::Caller(ticket) => match result {
                Ok(frame) => self.answered(ticket, frame, 1),
                Err(error) => self.failures.push(Failure { ticket, error }),
            },
            Owner::Group(index, place) => {
                let Some(group) = self.groups.get_mut(index) else { return };
                match result {
                    Ok(frame) => group.frames[place] = frame.to_vec(),
                    Err(error) => drop(group.failure.get_or_insert(error)),
                }
                group.left -= 1;
                if group.left == 0
                    && let Some(group) = self.groups.take(index)
                {
                    self.complete(group);
                }
            }
        }
    }

    fn complete(&mut self, group: Group) {
        let Group { ticket, frames, unanswered, failure, .. } = group;
        if let Some(error) = failure {
            return self.failures.push(Failure { ticket, error });
        }
        let refused = frames[..unanswered].iter().any(|frame| matches!(Value::parse(frame), Value::Error(_)));
        let frames = &frames[if refused { 0 } else { unanswered }..];
        self.answered(ticket, &frames.concat(), frames.len() as u32);
    }

    fn answered(&mut self, ticket: Ticket, bytes: &[u8], frames: u32) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.answers.push(Answer { ticket, start, end: self.bytes.len(), frames });
    }

    /// Reports what was settled.
    pub fn report(&mut self, report: &impl Fn(News)) {
        if !self.answers.is_empty() {
            let (bytes, answers) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.answers));
            report(News::Answers { bytes, answers });
        }
        if !self.failures.is_empty() {
            report(News::Failures(std::mem::take(&mut self.failures)));
        }
    }
}

/// A SCAN as the node it belongs to is to see it, and the index of that node.
fn scan(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut words = Value::parse(bytes).list();
    let count = words.len();
    words.next()?.text().filter(|name| name.eq_ignore_ascii_case(b"SCAN"))?;
    let cursor: u64 = std::str::from_utf8(words.next()?.text()?).ok()?.parse().ok()?;
    let mut request = Request::new(Repeat::Freely);
    request.command("SCAN", count - 1).arg((cursor / NODES).to_string().as_bytes());
    for word in words {
        request.arg(word.text().unwrap_or_default());
    }
    Some((usize::try_from(cursor % NODES).unwrap_or_default(), request.into_bytes()))
}

/// The reply to a SCAN of node `index`: its cursor leads through the nodes one after the other.
fn scanned(frame: &[u8], index: usize, masters: usize) -> Vec<u8> {
    let mut page = Value::parse(frame).list();
    let (Some(cursor), Some(keys)) = (page.next().and_then(Value::text), page.next()) else {
        return frame.to_vec();
    };
    let cursor: u64 = std::str::from_utf8(cursor).unwrap_or_default().parse().unwrap_or(0);
    let next = match cursor {
        0 if index + 1 < masters => index as u64 + 1,
        0 => 0,
        more => more * NODES + index as u64,
    };
    let mut reply = ReplyBuilder::new();
    reply.list(2).text(next.to_string().as_bytes()).value(keys);
    reply.into_bytes()
}

/// Things with small numbers that are used again.
struct Slab<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    fn insert(&mut self, item: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self.items[index as usize] = Some(item);
            return index;
        }
        self.items.push(Some(item));
        self.items.len() as u32 - 1
    }

    fn get(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize)?.as_ref()
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.items.get_mut(index as usize)?.as_mut()
    }

    fn take(&mut self, index: u32) -> Option<T> {
        let item = self.items.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(item)
    }

    const fn len(&self) -> u32 {
        self.items.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(commands: &[&[&str]]) -> Vec<u8> {
        let mut request = Request::new(Repeat::Freely);
        for words in commands {
            request.command(words[0], words.len() - 1);
            for word in &words[1..] {
                request.arg(word.as_bytes());
            }
        }
        request.into_bytes()
    }

    /// What was reported: ticket and answer, or ticket and error.
    fn reported(calls: &mut Calls) -> Vec<(Ticket, Result<String, Error>)> {
        let settled = std::cell::RefCell::new(Vec::new());
        calls.report(&|news| match news {
            News::Answers { bytes, answers } => settled.borrow_mut().extend(answers.iter().map(|answer| {
                assert_eq!(
                    Value::frames(&bytes[answer.start..], answer.frames).count(),
                    answer.frames as usize
                );
                (answer.ticket, Ok(String::from_utf8_lossy(&bytes[answer.start..answer.end]).into_owned()))
            })),
            News::Failures(failures) => {
                settled
                    .borrow_mut()
                    .extend(failures.into_iter().map(|failure| (failure.ticket, Err(failure.error))));
            }
            _ => panic!("neither answers nor failures"),
        });
        settled.into_inner()
    }

    fn begin(calls: &mut Calls, ticket: Ticket, unanswered: u32, commands: &[&[&str]]) -> Vec<Ticket> {
        let bytes = encoded(commands);
        let mut posted = Posted::new(ticket, commands.len() as u32, bytes.len(), Repeat::Freely, 9);
        posted.unanswered = unanswered;
        let begun = calls.begin(posted, &bytes);
        for ((posted, bytes), command) in begun.iter().zip(commands) {
            assert_eq!((posted.commands, posted.bytes, posted.deadline), (1, bytes.len(), 9));
            if command[0] != "SCAN" {
                assert_eq!(*bytes, encoded(&[command]));
            }
        }
        begun.into_iter().filter_map(|(posted, _)| posted.ticket).collect()
    }

    #[test]
    fn the_replies_of_a_request_come_back_in_order_and_once() {
        let mut calls = Calls::default();
        let one = begin(&mut calls, 70, 0, &[&["GET", "a"]]);
        let two = begin(&mut calls, 71, 0, &[&["GET", "a"], &["GET", "b"]]);
        calls.answer(two[1], b"+b\r\n", 3);
        assert!(reported(&mut calls).is_empty());
        calls.answer(two[0], b"+a\r\n", 3);
        calls.answer(one[0], b":1\r\n", 3);
        calls.answer(one[0], b":2\r\n", 3);
        assert_eq!(reported(&mut calls), [(71, Ok("+a\r\n+b\r\n".into())), (70, Ok(":1\r\n".into()))]);
        assert!(reported(&mut calls).is_empty());
    }

    #[test]
    fn one_failed_command_fails_its_request() {
        let mut calls = Calls::default();
        let both = begin(&mut calls, 5, 0, &[&["SET", "a", "1"], &["SET", "b", "2"]]);
        calls.fail(both[0], Error::new(Code::Timeout, "late"));
        calls.answer(both[1], b"+OK\r\n", 3);
        let settled = reported(&mut calls);
        assert_eq!(settled.len(), 1);
        assert_eq!(settled[0].1.as_ref().expect_err("failed").code, Code::Timeout);
    }

    #[test]
    fn replies_are_left_out_unless_they_are_errors() {
        let mut calls = Calls::default();
        let commands: &[&[&str]] = &[&["SADD", "r", "q"], &["GET", "b"]];
        let well = begin(&mut calls, 1, 1, commands);
        calls.answer(well[0], b":1\r\n", 3);
        calls.answer(well[1], b"+id\r\n", 3);
        assert_eq!(reported(&mut calls), [(1, Ok("+id\r\n".into()))]);
        let badly = begin(&mut calls, 2, 1, commands);
        calls.answer(badly[0], b"-WRONGTYPE x\r\n", 3);
        calls.answer(badly[1], b"+id\r\n", 3);
        assert_eq!(reported(&mut calls), [(2, Ok("-WRONGTYPE x\r\n+id\r\n".into()))]);
    }

    #[test]
    fn keys_of_several_slots_are_not_supported() {
        let mut calls = Calls::default();
        for text in [
            "CROSSSLOT Keys in request don't hash to the same slot",
            "ERR Script attempted to access a non local key in a cluster node",
        ] {
            let call = begin(&mut calls, 1, 0, &[&["DEL", "a", "b"]]);
            calls.answer(call[0], format!("-{text}\r\n").as_bytes(), 3);
            assert_eq!(reported(&mut calls)[0].1.as_ref().expect_err(text).code, Code::Unsupported);
        }
    }

    #[test]
    fn a_scan_goes_through_all_nodes_one_after_the_other() {
        let mut calls = Calls::default();
        // What three nodes answer to their cursors in turn.
        let nodes: [&[(&str, &str)]; 3] =
            [&[("0", "17"), ("17", "0")], &[("0", "0")], &[("0", "99"), ("99", "0")]];
        let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
        loop {
            let bytes = encoded(&[&["SCAN", &cursor, "COUNT", "10"]]);
            let begun = calls.begin(Posted::new(1, 1, bytes.len(), Repeat::Freely, 9), &bytes);
            let (posted, bytes) = &begun[0];
            let ticket = posted.ticket.expect("a ticket");
            let node = calls.scanned(ticket).expect("a node");
            let own = Value::parse(bytes).list().nth(1).and_then(Value::text).expect("a cursor").to_vec();
            let own = String::from_utf8(own).expect("digits");
            assert_eq!(*bytes, encoded(&[&["SCAN", &own, "COUNT", "10"]]));
            let (_, next) = nodes[node].iter().find(|(from, _)| *from == own).expect("a cursor of this node");
            seen.push((node, own));
            let mut page = ReplyBuilder::new();
            page.list(2).text(next.as_bytes()).list(0);
            calls.answer(ticket, &page.into_bytes(), 3);
            let answer = reported(&mut calls).remove(0).1.expect("answered");
            cursor = answer.split("\r\n").nth(2).expect("a cursor").to_owned();
            if cursor == "0" {
                break;
            }
        }
        let steps =
            [(0, "0"), (0, "17"), (1, "0"), (2, "0"), (2, "99")].map(|(node, own)| (node, own.to_owned()));
        assert_eq!(seen, steps);
    }

    #[test]
    fn closing_fails_every_call_once() {
        let mut calls = Calls::default();
        begin(&mut calls, 1, 0, &[&["GET", "a"]]);
        begin(&mut calls, 2, 0, &[&["GET", "a"], &["GET", "b"]]);
        calls.fail_all(&Error::new(Code::Closed, "closed"));
        let mut tickets: Vec<_> = reported(&mut calls).into_iter().map(|(ticket, _)| ticket).collect();
        tickets.sort_unstable();
        assert_eq!(tickets, [1, 2]);
    }
}
