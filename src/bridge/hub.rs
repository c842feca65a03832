//! All that ferrodis is in one JavaScript environment: its connections, its runtime thread, its mailbox.
//!
//! Everything here happens on the JavaScript thread. Settling runs JavaScript, which may call back into any entry
//! point, so each visit works in two parts: first it takes what is to be delivered out of the hub, then, with no
//! reference into the hub held, it delivers.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use napi::sys;

use super::delivery::{Outlet, Place, Settled, Status, deliver, write_error};
use super::lane::Lane;
use super::link::Link;
use super::listeners::Listeners;
use super::loop_lane::LoopLane;
use super::post::{Item, Post};
use super::runtime::Runtime;
use super::runtime_lane::RuntimeLane;
use super::uv::Uv;
use crate::error::{Code, Error};
use crate::redis::{
    Answer, Args, Config, Lane as Choice, Limits, Mux, Operation, Purpose, ReplyBuilder, Target, Topology,
    Watch, remote,
};

/// What one connection consists of, and what it was opened with.
pub struct Open {
    target: Target,
    topology: Topology,
    pub link: Link,
    /// Whether the runtime thread is dialling for the loop lane.
    dialling: bool,
    /// Whether it keeps the process alive at present.
    held: bool,
    listeners: Option<Listeners>,
}

/// See the module's text.
pub struct Hub {
    env: sys::napi_env,
    outlet: Option<Outlet>,
    event_loop: Option<(Uv, *mut c_void)>,
    links: Vec<Option<Box<Open>>>,
    operations: Vec<&'static Operation>,
    post: Post,
    runtime: Option<Runtime>,
    /// What keeps the process alive through the mailbox: runtime lanes with pending calls, and listeners.
    holds: usize,
    /// The arguments of the call that is being submitted.
    pub args: Args,
    /// Arguments that follow those of the next call.
    pub staged: Args,
    answers: Vec<Answer>,
}

/// What a visit found, to be delivered when the hub is let go.
#[derive(Default)]
struct Visit {
    link: u32,
    settled: Vec<Settled>,
    input: Vec<u8>,
    answers: Vec<Answer>,
}

impl Hub {
    /// An empty hub, to be boxed by the caller.
    pub fn new(env: sys::napi_env, post: Post, operations: Vec<&'static Operation>) -> Self {
        Self {
            env,
            outlet: None,
            event_loop: None,
            links: Vec::new(),
            operations,
            post,
            runtime: None,
            holds: 0,
            args: Args::default(),
            staged: Args::default(),
            answers: Vec::new(),
        }
    }

    /// The names of the operations, in the order of their numbers.
    pub fn operation_names(&self) -> impl Iterator<Item = &'static str> {
        self.operations.iter().map(|operation| operation.name)
    }

    /// Connects the hub with its JavaScript side.
    pub const fn attach(
        &mut self,
        settle: sys::napi_ref,
        grow: sys::napi_ref,
        event_loop: Option<(Uv, *mut c_void)>,
    ) {
        self.event_loop = event_loop;
        let tokens = std::ptr::null_mut();
        self.outlet = Some(Outlet { env: self.env, settle, grow, tokens, capacity: 0 });
    }

    /// The token array has moved.
    pub const fn set_tokens(&mut self, tokens: *mut i32, capacity: usize) {
        if let Some(outlet) = &mut self.outlet {
            outlet.tokens = tokens;
            outlet.capacity = capacity;
        }
    }

    /// Opens a connection, or finds the one that is open to the same target in the same way.
    pub fn open(&mut self, target: Target, config: Config) -> Result<u32, Error> {
        let same = |open: &Option<Box<Open>>| {
            open.as_ref().is_some_and(|open| {
                open.target == target && open.link.config == config && open.link.is_open()
            })
        };
        if let Some(found) = self.links.iter().position(same) {
            return Ok(found as u32);
        }
        let id = self.links.len() as u32;
        let topology = Topology::new(target.clone(), &config)?;
        let limits = Limits { bytes: config.max_reply_bytes, ..Limits::default() };
        let mux = Mux::new(limits, Watch::default());
        let lane = self.lane(id, &target, &config, &topology, mux)?;
        let link = Link::new(config, lane);
        self.links.push(Some(Box::new(Open {
            target,
            topology,
            link,
            dialling: false,
            held: false,
            listeners: None,
        })));
        Ok(id)
    }

    fn lane(
        &mut self,
        id: u32,
        target: &Target,
        config: &Config,
        topology: &Topology,
        mux: Mux,
    ) -> Result<Lane, Error> {
        let hub: *mut Self = self;
        match self.event_loop {
            Some((uv, event_loop)) if target.tls.is_none() && config.lane != Choice::Runtime => {
                // SAFETY: the loop is that of this thread, and the hub drops its lanes before itself.
                unsafe { LoopLane::new(uv, event_loop, hub, id, mux) }
                    .map(|lane| Lane::Loop(Box::new(lane)))
                    .ok_or_else(|| Error::new(Code::Internal, "the event loop refused a timer"))
            }
            _ if config.lane == Choice::Loop => {
                let message = "lane: the loop lane needs Node and a connection without TLS; use auto";
                Err(Error::new(Code::Unsupported, message))
            }
            _ => {
                let (orders, inbox) = tokio::sync::mpsc::unbounded_channel();
                let queued = Arc::new(AtomicUsize::new(0));
                let post = self.post.clone();
                let report = move |news| post.send(id, Item::News(news));
                let task = remote::carry(topology.clone(), mux, inbox, Arc::clone(&queued), report);
                self.runtime()?.spawn(task);
                Ok(Lane::Runtime(RuntimeLane::new(orders, queued)))
            }
        }
    }

    fn runtime(&mut self) -> Result<&Runtime, Error> {
        match &mut self.runtime {
            Some(runtime) => Ok(runtime),
            none => Ok(none.insert(Runtime::start()?)),
        }
    }

    /// Begins an operation with the arguments collected in `args`. True: new calls should wait.
    pub fn submit(&mut self, link: u32, operation: u32, slot: u32) -> bool {
        let mut args = std::mem::take(&mut self.args);
        let operation = self.operations.get(operation as usize).copied();
        let open = self.links.get_mut(link as usize).and_then(Option::as_mut);
        let (Some(open), Some(operation)) = (open, operation) else { return false };
        open.link.submit(operation, slot, &mut args);
        args.clear();
        self.args = args;
        open.link.is_saturated()
    }

    /// A panic left the queue of a connection damaged: rejects all that is in it.
    pub fn recover(&mut self, link: u32, slot: u32) {
        let Some(open) = self.links.get_mut(link as usize).and_then(Option::as_mut) else { return };
        let error = Error::new(Code::Internal, "an operation panicked; please report this");
        open.link.ready.push(Settled::failed(slot, &error));
        let mut failures = Vec::new();
        match &mut open.link.lane {
            Lane::Loop(lane) => lane.mux.close(&error, &mut failures),
            Lane::Runtime(lane) => {
                let tickets = lane.clear();
                failures.extend(
                    tickets.into_iter().map(|ticket| crate::redis::Failure { ticket, error: error.clone() }),
                );
            }
        }
        let mut ready = std::mem::take(&mut open.link.ready);
        open.link.route(&[], &[], failures, &mut ready);
        // The replies to what was written have nobody left to go to.
        self.broke(link, &error, &mut ready);
        if let Some(Some(open)) = self.links.get_mut(link as usize) {
            open.link.ready = ready;
        }
    }

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
    pub unsafe fn on_ready(hub: *mut Self, id: u32, readable: bool) {
        // SAFETY: as this function's own contract.
        unsafe {
            let visit = (*hub).receive(id, readable);
            Self::deliver(hub, visit, true);
        }
    }

    fn receive(&mut self, id: u32, readable: bool) -> Visit {
        let mut answers = std::mem::take(&mut self.answers);
        let (mut settled, mut input) = (Vec::new(), Vec::new());
        if let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut)
            && let Lane::Loop(lane) = &mut open.link.lane
        {
            let mut result = if readable { lane.receive(&mut answers) } else { Ok(()) };
            if lane.mux.take_demoted() {
                let demoted = Error::new(Code::Connection, "the server is a replica now").retryable();
                result = result.and(Err(demoted));
            }
            input = lane.mux.lend_input();
            open.link.route(&input, &answers, Vec::new(), &mut settled);
            if let Lane::Loop(lane) = &mut open.link.lane {
                // A series goes on, or a request is sent again, before JavaScript hears of the rest.
                result = result.and_then(|()| lane.flush());
            }
            if let Err(error) = result {
                self.broke(id, &error, &mut settled);
            }
        }
        self.visit(id, settled, input, answers)
    }

    /// The timer of a loop lane fired.
    ///
    /// # Safety
    /// As [`Hub::flush`].
    pub unsafe fn on_tick(hub: *mut Self, id: u32) {
        // SAFETY: as this function's own contract.
        unsafe {
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
            let mut result = lane.mux.tick(crate::redis::clock::now(), &mut failures);
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
                open.dialling = false;
                if let Lane::Loop(lane) = &mut open.link.lane {
                    match socket.and_then(|socket| lane.attach(socket)) {
                        Ok(()) => settled.push(event(id, "up", None)),
                        Err(error) => self.broke(id, &error, &mut settled),
                    }
                }
            }
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
            Item::Event(reply) => {
                if let Some(listeners) = &open.listeners {
                    listeners.delivered(reply.len());
                }
                settled.push(Settled { slot: id, status: Status::Event, reply: Place::Own(reply) });
            }
        }
        self.visit(id, settled, input, Vec::new())
    }

    /// The connection of a loop lane broke: replace it.
    fn broke(&mut self, id: u32, error: &Error, settled: &mut Vec<Settled>) {
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
        if std::mem::replace(&mut open.dialling, true) {
            return;
        }
        let topology = open.topology.clone();
        let post = self.post.clone();
        let task = async move {
            let faults = post.clone();
            let fault = |error| faults.send(id, Item::Fault(error));
            let link = topology.connect_forever(Purpose::Calls, fault).await;
            post.send(id, Item::Socket(link.stream.into_plain()));
        };
        match self.runtime() {
            Ok(runtime) => runtime.spawn(task),
            Err(error) => self.post.send(id, Item::Fault(error)),
        }
    }

    /// The listeners of a connection, with a subscriber from the first use on.
    pub fn listeners(&mut self, id: u32) -> Result<Option<&mut Listeners>, Error> {
        let post = self.post.clone();
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else { return Ok(None) };
        if open.listeners.is_none() {
            let (listeners, task) = Listeners::new(open.topology.clone(), &open.link.config, id, post);
            open.listeners = Some(listeners);
            self.runtime()?.spawn(task);
        }
        Ok(self.links[id as usize].as_mut().and_then(|open| open.listeners.as_mut()))
    }

    /// Keeps the process alive, or not, for one reason more or less.
    pub fn hold(&mut self, more: bool) {
        let before = self.holds;
        self.holds = if more { before + 1 } else { before.saturating_sub(1) };
        if (before == 0) != (self.holds == 0) {
            self.post.hold(self.env, self.holds > 0);
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
        let listening = open.listeners.take().map_or(0, |listeners| listeners.len());
        if let Lane::Loop(_) = open.link.lane {
            self.links[id as usize] = None;
        }
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
        Visit { link: id, settled, input, answers }
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
                && !visit.input.is_empty()
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

    /// Takes everything down: the environment ends. Nothing of JavaScript may run any more.
    pub fn end(&mut self) {
        self.outlet = None;
        self.links.clear();
        self.runtime = None;
        self.post.end();
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
