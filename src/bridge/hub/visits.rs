//! What happens to the hub from outside: a flush, a ready socket, a tick, a post, a close.
//!
//! Settling runs JavaScript, which may call back into any entry point. So each visit first takes what is to be delivered
//! out of the hub, then, with no reference into the hub held, delivers it.

use tokio::sync::oneshot;

use super::super::delivery::{Place, Settled, Status, deliver, write_error};
use super::super::lane::{Lane, Ready};
use super::super::listeners::Events;
use super::super::post::Item;
use super::Hub;
use crate::error::{Code, Error};
use crate::redis::{Answer, Purpose, ReplyBuilder, clock, remote};

/// What a visit found, to be delivered when the hub is let go.
#[derive(Default)]
struct Visit {
    link: u32,
    settled: Vec<Settled>,
    /// What `settled` points into.
    input: Vec<u8>,
    /// Whether `input` is the lane's own, which goes on with what it holds besides.
    lent: bool,
    answers: Vec<Answer>,
}

impl Hub {
    /// Sends what was submitted in this tick.
    ///
    /// # Safety
    /// `hub` is live, and no reference into it is held: settling runs JavaScript.
    pub unsafe fn flush(hub: *mut Self) {
        // SAFETY: as this function's own contract; the count is read anew since JavaScript may open connections.
        unsafe {
            let mut id = 0;
            while id < (*hub).links.len() as u32 {
                let visit = (*hub).flush_link(id);
                Self::deliver(hub, visit, false);
                id += 1;
            }
        }
    }

    fn flush_link(&mut self, id: u32) -> Visit {
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else {
            return Visit::default();
        };
        let mut settled = std::mem::take(&mut open.link.ready);
        if !open.link.is_pending() && settled.is_empty() {
            return Visit::default();
        }
        let wrote = match &mut open.link.lane {
            Lane::Loop(lane) => lane.flush(),
            Lane::Runtime(lane) => {
                lane.flush();
                Ok(())
            }
        };
        if let Err(error) = wrote {
            self.broke(id, &error, &mut settled);
        }
        self.dial_if_needed(id);
        self.visit(id, settled, Vec::new(), Vec::new())
    }

    /// The socket of a loop lane is ready.
    ///
    /// # Safety
    /// As [`Hub::flush`].
    pub unsafe fn on_ready(hub: *mut Self, id: u32, ready: Ready) {
        // SAFETY: as this function's own contract.
        unsafe {
            let visit = (*hub).receive(id, ready);
            Self::deliver(hub, visit, true);
        }
    }

    fn receive(&mut self, id: u32, ready: Ready) -> Visit {
        let mut answers = std::mem::take(&mut self.answers);
        let (mut settled, mut input, mut lent) = (Vec::new(), Vec::new(), false);
        if let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut)
            && let Lane::Loop(lane) = &mut open.link.lane
        {
            let mut result = lane.receive(ready, &mut answers);
            if lane.mux.take_demoted() {
                let demoted = Error::new(Code::Connection, "the server is a replica now").retryable();
                result = result.and(Err(demoted));
            }
            input = lane.mux.lend_input();
            lent = true;
            open.link.route(&input, &answers, Vec::new(), &mut settled);
            if let Lane::Loop(lane) = &mut open.link.lane {
                // A series goes on, or a request is sent again, before JavaScript hears of the rest.
                result = result.and_then(|()| lane.flush());
            }
            if let Err(error) = result {
                self.broke(id, &error, &mut settled);
            }
        }
        Visit { lent, ..self.visit(id, settled, input, answers) }
    }

    /// The timer of a loop lane fired.
    ///
    /// # Safety
    /// As [`Hub::flush`].
    pub unsafe fn on_tick(hub: *mut Self, id: u32) {
        // SAFETY: as this function's own contract.
        unsafe {
            // Timers come before sockets: an answer that came while JavaScript held the thread up counts all the same.
            Self::on_ready(hub, id, Ready::Readable);
            let visit = (*hub).tick(id);
            Self::deliver(hub, visit, true);
        }
    }

    fn tick(&mut self, id: u32) -> Visit {
        let mut settled = Vec::new();
        if let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut)
            && let Lane::Loop(lane) = &mut open.link.lane
        {
            let mut failures = Vec::new();
            let mut result = lane.mux.tick(clock::now(), &mut failures);
            open.link.route(&[], &[], failures, &mut settled);
            if let Lane::Loop(lane) = &mut open.link.lane {
                result = result.and_then(|()| lane.flush());
                if lane.mux.is_idle() {
                    lane.relax();
                }
            }
            if let Err(error) = result {
                self.broke(id, &error, &mut settled);
            }
        }
        self.visit(id, settled, Vec::new(), Vec::new())
    }

    /// Other threads have posted something.
    ///
    /// # Safety
    /// As [`Hub::flush`].
    pub unsafe fn on_post(hub: *mut Self) {
        // SAFETY: as this function's own contract.
        unsafe {
            for (id, item) in (*hub).post.take() {
                let visit = (*hub).handle(id, item);
                Self::deliver(hub, visit, false);
            }
        }
    }

    fn handle(&mut self, id: u32, item: Item) -> Visit {
        let mut settled = Vec::new();
        let mut input = Vec::new();
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else {
            return Visit::default();
        };
        match item {
            Item::Socket(socket) => {
                open.dialling = None;
                if let Lane::Loop(lane) = &mut open.link.lane {
                    match socket.and_then(|socket| lane.attach(socket)) {
                        Ok(()) => settled.push(event(id, "up", None)),
                        Err(error) => self.broke(id, &error, &mut settled),
                    }
                }
            }
            // One that broke by itself is being replaced already.
            Item::Replaced(error) if open.dialling.is_none() => self.broke(id, &error, &mut settled),
            // The latter stay between the connections of a cluster.
            Item::Replaced(_) | Item::News(remote::News::Returned(_)) => {}
            Item::News(remote::News::Up) => settled.push(event(id, "up", None)),
            Item::Fault(error) | Item::News(remote::News::Fault(error)) => {
                if let Lane::Loop(lane) = &mut open.link.lane
                    && matches!(error.code, Code::Auth | Code::Config)
                {
                    let mut failures = Vec::new();
                    lane.mux.close(&error, &mut failures);
                    open.link.route(&[], &[], failures, &mut settled);
                }
                settled.push(event(id, "down", Some(&error)));
            }
            Item::News(remote::News::Answers { bytes, answers }) => {
                open.link.route(&bytes, &answers, Vec::new(), &mut settled);
                input = bytes;
                if let Lane::Runtime(lane) = &mut open.link.lane {
                    lane.flush();
                }
            }
            Item::News(remote::News::Failures(failures)) => {
                open.link.route(&[], &[], failures, &mut settled);
                if let Lane::Runtime(lane) = &mut open.link.lane {
                    lane.flush();
                }
            }
            Item::News(remote::News::Ended) => self.ended(id),
            Item::Question(question) => {
                settled.push(Settled { slot: id, status: Status::Event, reply: Place::Own(question) });
            }
            Item::Lost(lock) => {
                let mut reply = ReplyBuilder::new();
                reply.list(2).text(b"lost").int(i64::from(lock));
                settled.push(Settled {
                    slot: id,
                    status: Status::Event,
                    reply: Place::Own(reply.into_bytes()),
                });
            }
            Item::Events(Events { bytes, ends }) => {
                if let Some(listeners) = &open.listeners {
                    listeners.delivered(bytes.len());
                }
                let mut start = 0;
                for end in ends {
                    settled.push(Settled {
                        slot: id,
                        status: Status::Event,
                        reply: Place::Input(start, end, 1),
                    });
                    start = end;
                }
                input = bytes;
            }
        }
        self.visit(id, settled, input, Vec::new())
    }

    /// The connection of a loop lane broke: replace it.
    pub(super) fn broke(&mut self, id: u32, error: &Error, settled: &mut Vec<Settled>) {
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else { return };
        if let Lane::Loop(lane) = &mut open.link.lane {
            let mut failures = Vec::new();
            lane.detach(error, &mut failures);
            open.link.route(&[], &[], failures, settled);
            settled.push(event(id, "down", Some(error)));
            self.dial(id);
        }
    }

    fn dial_if_needed(&mut self, id: u32) {
        if let Some(Some(open)) = self.links.get(id as usize)
            && let Lane::Loop(lane) = &open.link.lane
            && !lane.mux.is_connected()
            && !lane.mux.is_idle()
        {
            self.dial(id);
        }
    }

    /// Has the runtime thread dial for a loop lane, until there is a connection.
    fn dial(&mut self, id: u32) {
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else { return };
        if open.dialling.is_some() {
            return;
        }
        let topology = open.topology.clone();
        let post = self.post.clone();
        let (watched, mut unwatched) = oneshot::channel();
        open.watched = Some(watched);
        let task = async move {
            let faults = post.clone();
            let fault = |error| faults.send(id, Item::Fault(error));
            let mut link = topology.connect_forever(Purpose::Calls, fault).await;
            post.send(id, Item::Socket(link.stream.into_plain()));
            if link.notices.are_expected() {
                tokio::select! {
                    biased;
                    _ = &mut unwatched => {}
                    error = link.notices.replaced() => post.send(id, Item::Replaced(error)),
                }
            }
        };
        let dialling = match self.runtime() {
            Ok(runtime) => runtime.spawn(task),
            Err(error) => return self.post.send(id, Item::Fault(error)),
        };
        if let Some(Some(open)) = self.links.get_mut(id as usize) {
            open.dialling = Some(dialling);
        }
    }

    /// Ends a connection: what is pending is rejected.
    ///
    /// # Safety
    /// As [`Hub::flush`].
    pub unsafe fn close(hub: *mut Self, id: u32) {
        // SAFETY: as this function's own contract.
        unsafe {
            let visit = (*hub).begin_close(id);
            Self::deliver(hub, visit, false);
        }
    }

    fn begin_close(&mut self, id: u32) -> Visit {
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else {
            return Visit::default();
        };
        let error = Error::new(Code::Closed, "the connection was closed");
        let mut settled = std::mem::take(&mut open.link.ready);
        let failures = open.link.close(&error);
        open.link.route(&[], &[], failures, &mut settled);
        open.link.delivered(&settled);
        open.renewals = None;
        let listening = open.listeners.take().map_or(0, |listeners| listeners.len());
        if let Some(dialling) = open.dialling.take() {
            dialling.abort();
        }
        if let Lane::Loop(_) = open.link.lane {
            self.links[id as usize] = None;
        }
        self.questions.forget(id);
        for _ in 0..listening {
            self.hold(false);
        }
        Visit { link: id, settled, ..Visit::default() }
    }

    /// The task of a runtime lane has settled everything.
    fn ended(&mut self, id: u32) {
        if let Some(open) = self.links.get_mut(id as usize).and_then(Option::take)
            && open.held
        {
            self.hold(false);
        }
    }

    fn visit(&mut self, id: u32, settled: Vec<Settled>, input: Vec<u8>, answers: Vec<Answer>) -> Visit {
        if let Some(Some(open)) = self.links.get_mut(id as usize) {
            open.link.delivered(&settled);
        }
        Visit { link: id, settled, input, lent: false, answers }
    }

    /// # Safety
    /// As [`Hub::flush`].
    unsafe fn deliver(hub: *mut Self, mut visit: Visit, entry: bool) {
        // SAFETY: as this function's own contract. The references made here end before and begin after JavaScript runs.
        unsafe {
            if !visit.settled.is_empty()
                && let Some(outlet) = (*hub).outlet
            {
                deliver(outlet, &visit.settled, &visit.input, entry, || (*hub).outlet.unwrap_or(outlet));
            }
            let hub = &mut *hub;
            let Some(Some(open)) = hub.links.get_mut(visit.link as usize) else { return };
            if let Lane::Loop(lane) = &mut open.link.lane
                && visit.lent
            {
                lane.mux.return_input(visit.input);
            }
            if visit.answers.capacity() > 0 {
                visit.answers.clear();
                hub.answers = visit.answers;
            }
            hub.sync_hold(visit.link);
        }
    }

    /// Pending calls keep the process alive; an idle connection does not.
    fn sync_hold(&mut self, id: u32) {
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else { return };
        let pending = open.link.is_pending();
        if std::mem::replace(&mut open.held, pending) == pending {
            return;
        }
        match &mut open.link.lane {
            Lane::Loop(lane) => lane.hold(pending),
            Lane::Runtime(_) => self.hold(pending),
        }
    }
}

/// An event of a connection, as a list: its name, then its fields.
fn event(id: u32, name: &str, error: Option<&Error>) -> Settled {
    let mut reply = ReplyBuilder::new();
    reply.list(if error.is_some() { 6 } else { 1 }).text(name.as_bytes());
    if let Some(error) = error {
        write_error(&mut reply, error);
    }
    Settled { slot: id, status: Status::Event, reply: Place::Own(reply.into_bytes()) }
}
