//! One connection as the JavaScript thread sees it: who waits for what, and the series under way.

use super::delivery::{Place, Settled, Status};
use super::lane::Lane;
use crate::error::{Code, Error};
use crate::redis::{
    Answer, Args, Config, Deadline, Failure, Frames, Operation, Outgoing, ReplyTo, Run, Series, Ticket, clock,
};

/// Tickets from here on belong to requests of series; those below are slots of JavaScript.
const SERIES: Ticket = 1 << 31;

/// The owner of a series: the slot that waits for its end, and the time each of its round trips has.
#[derive(Clone, Copy, Default)]
struct Owner {
    slot: u32,
    time: u64,
}

/// One connection.
pub struct Link {
    /// How it behaves.
    pub config: Config,
    /// The way to the server.
    pub lane: Lane,
    series: Series,
    owners: Vec<Owner>,
    waiting: Vec<Option<ReplyTo>>,
    free: Vec<u32>,
    /// Slots that wait.
    pending: usize,
    /// Settled without the server; delivered with the next flush.
    pub ready: Vec<Settled>,
    /// Milliseconds, as of the last event: deadlines need no better.
    now: u64,
    /// What a series hears that asks for more after the end.
    closed: Option<Error>,
}

impl Link {
    /// A connection over `lane`.
    pub fn new(config: Config, lane: Lane) -> Self {
        Self {
            config,
            series: Series::new(lane.is_to_cluster()),
            lane,
            owners: Vec::new(),
            waiting: Vec::new(),
            free: Vec::new(),
            pending: 0,
            ready: Vec::new(),
            now: 0,
            closed: None,
        }
    }

    /// Begins `operation` for `slot`. Whatever happens, the slot is settled exactly once, later.
    pub fn submit(&mut self, operation: &Operation, slot: u32, args: &mut Args) {
        if self.pending == 0 {
            self.now = clock::now();
        }
        self.pending += 1;
        let time = self.time(operation.deadline);
        let deadline = self.now.saturating_add(time);
        match operation.run {
            Run::Once(build) => {
                let args = &*args;
                if let Err(error) =
                    self.lane.submit(slot, operation.repeat, deadline, |request| build(args, request))
                {
                    self.ready.push(Settled::failed(slot, &error));
                }
            }
            Run::Steps(start) => {
                let args = std::mem::take(args);
                let id = self.series.begin(|caller| start(args, caller));
                if self.owners.len() <= id {
                    self.owners.resize(id + 1, Owner::default());
                }
                self.owners[id] = Owner { slot, time };
                let mut ready = std::mem::take(&mut self.ready);
                self.advance(id, &mut ready);
                self.ready = ready;
            }
        }
    }

    /// Sorts answers and failures out: to JavaScript, or on to the series that waits for them.
    pub fn route(
        &mut self,
        input: &[u8],
        answers: &[Answer],
        failures: Vec<Failure>,
        settled: &mut Vec<Settled>,
    ) {
        self.now = clock::now();
        settled.reserve(answers.len() + failures.len());
        for answer in answers {
            if answer.ticket < SERIES {
                let reply = Place::Input(answer.start, answer.end, answer.frames);
                settled.push(Settled { slot: answer.ticket, status: Status::Ok, reply });
            } else {
                let frames = Frames::new(input[answer.start..answer.end].to_vec(), answer.frames as usize);
                self.resume(answer.ticket, Ok(frames), settled);
            }
        }
        for failure in failures {
            if failure.ticket < SERIES {
                settled.push(Settled::failed(failure.ticket, &failure.error));
            } else {
                self.resume(failure.ticket, Err(failure.error), settled);
            }
        }
    }

    /// Counts what is about to be delivered. Nothing pending: the process may end.
    pub fn delivered(&mut self, settled: &[Settled]) {
        let calls = settled.iter().filter(|settled| settled.status != Status::Event).count();
        self.pending = self.pending.saturating_sub(calls);
    }

    /// Whether a slot waits.
    pub const fn is_pending(&self) -> bool {
        self.pending > 0
    }

    /// Whether it was not closed.
    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether so much waits that new calls should.
    pub fn is_saturated(&self) -> bool {
        self.lane.queued_bytes() > self.config.max_queued_bytes
    }

    fn resume(&mut self, ticket: Ticket, answer: Result<Frames, Error>, settled: &mut Vec<Settled>) {
        let index = ticket - SERIES;
        let Some(reply_to) = self.waiting.get_mut(index as usize).and_then(Option::take) else { return };
        self.free.push(index);
        let id = reply_to.series;
        reply_to.fill(answer);
        self.advance(id, settled);
    }

    /// Takes a series on and sends what it asks for.
    fn advance(&mut self, id: usize, settled: &mut Vec<Settled>) {
        let owner = self.owners[id];
        let mut refused = true;
        while std::mem::take(&mut refused) {
            // A panic in one operation ends that operation alone.
            let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.series.poll(id)));
            let ended = polled.unwrap_or_else(|_| {
                self.series.end(id);
                Some(Err(Error::new(Code::Internal, "an operation panicked; please report this")))
            });
            if let Some(result) = ended {
                settled.push(Settled::ended(owner.slot, result));
            }
            while let Some(outgoing) = self.series.outgoing() {
                if let Some(error) = &self.closed {
                    outgoing.reply_to.fill(Err(error.clone()));
                    refused = true;
                } else {
                    self.post(outgoing, self.now.saturating_add(owner.time));
                }
            }
        }
    }

    fn post(&mut self, outgoing: Outgoing, deadline: u64) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.waiting.push(None);
            self.waiting.len() as u32 - 1
        });
        self.waiting[index as usize] = Some(outgoing.reply_to);
        self.lane.enqueue(SERIES + index, deadline, outgoing.request);
    }

    /// Begins the end: what is pending is rejected, here and now on the loop lane, by its task on the runtime lane.
    pub fn close(&mut self, error: &Error) -> Vec<Failure> {
        let mut failures = Vec::new();
        self.closed = Some(error.clone());
        match &mut self.lane {
            Lane::Loop(lane) => lane.mux.close(error, &mut failures),
            Lane::Runtime(lane) => lane.close(),
        }
        failures
    }

    fn time(&self, deadline: Deadline) -> u64 {
        let time = match deadline {
            Deadline::Call => self.config.call_deadline,
            Deadline::Bulk => self.config.bulk_deadline,
            Deadline::Forever => return u64::MAX,
        };
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    }
}
