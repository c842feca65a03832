//! All that ferrodis is in one JavaScript environment: its connections, its runtime thread, its mailbox.
//! Everything here happens on the JavaScript thread.

mod visits;

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use napi::sys;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::delivery::{Outlet, Settled};
use super::lane::Lane;
use super::link::Link;
use super::listeners::Listeners;
use super::loop_lane::LoopLane;
use super::post::{Item, Post};
use super::questions::Questions;
use super::runtime::Runtime;
use super::runtime_lane::RuntimeLane;
use super::uv::Uv;
use crate::error::{Code, Error};
use crate::redis::{
    Answer, Args, Config, Heartbeat, Lane as Choice, Limits, Mux, Operation, Renewals, Target, Topology,
    Watch, remote,
};

/// What one connection consists of, and what it was opened with.
pub struct Open {
    target: Target,
    /// Who alone uses it; 0 for nobody in particular.
    owner: u32,
    topology: Topology,
    pub link: Link,
    /// The runtime thread's dialling for the loop lane.
    dialling: Option<AbortHandle>,
    /// Ends the listening to news of the loop lane's server, by being dropped.
    watched: Option<oneshot::Sender<()>>,
    /// Whether it keeps the process alive at present.
    held: bool,
    listeners: Option<Listeners>,
    renewals: Option<Renewals>,
}

/// See the module's text.
pub struct Hub {
    env: sys::napi_env,
    outlet: Option<Outlet>,
    event_loop: Option<(Uv, *mut c_void)>,
    links: Vec<Option<Box<Open>>>,
    operations: Vec<&'static Operation>,
    post: Post,
    /// What the runtime thread has asked.
    pub questions: Questions,
    runtime: Option<Runtime>,
    /// What keeps the process alive through the mailbox: runtime lanes with pending calls, and listeners.
    holds: usize,
    /// The arguments of the call that is being submitted.
    pub args: Args,
    /// Arguments that follow those of the next call.
    pub staged: Args,
    answers: Vec<Answer>,
    /// The last sign of life of JavaScript, for the locks that are renewed meanwhile.
    pub heartbeat: Heartbeat,
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
            questions: Questions::default(),
            runtime: None,
            holds: 0,
            args: Args::default(),
            staged: Args::default(),
            answers: Vec::new(),
            heartbeat: Heartbeat::default(),
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

    /// Opens a connection, or finds the one that is open to the same target in the same way for the same owner.
    pub fn open(&mut self, target: Target, config: Config, owner: u32) -> Result<u32, Error> {
        let same = |open: &Option<Box<Open>>| {
            open.as_ref().is_some_and(|open| {
                open.owner == owner
                    && open.target == target
                    && open.link.config == config
                    && open.link.is_open()
            })
        };
        if let Some(found) = self.links.iter().position(same) {
            return Ok(found as u32);
        }
        let id = self.links.len() as u32;
        let mut topology = Topology::new(target.clone(), &config)?;
        if owner != 0 {
            topology = topology.advised_by(self.questions.advisor(id, self.post.clone()));
        }
        let limits = Limits { bytes: config.max_reply_bytes, ..Limits::default() };
        let mux = Mux::new(limits, Watch::default());
        let lane = self.lane(id, &target, &config, &topology, mux)?;
        let link = Link::new(config, lane);
        self.links.push(Some(Box::new(Open {
            target,
            owner,
            topology,
            link,
            dialling: None,
            watched: None,
            held: false,
            listeners: None,
            renewals: None,
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
            Some((uv, event_loop)) if target.is_for_loop_lane() && config.lane != Choice::Runtime => {
                // SAFETY: the loop is that of this thread, and the hub drops its lanes before itself.
                unsafe { LoopLane::new(uv, event_loop, hub, id, mux) }
                    .map(|lane| Lane::Loop(Box::new(lane)))
                    .ok_or_else(|| Error::new(Code::Internal, "the event loop refused a timer"))
            }
            _ if config.lane == Choice::Loop => {
                let message = "lane: the loop lane needs Node, and one server without TLS; use auto";
                Err(Error::new(Code::Unsupported, message))
            }
            _ => {
                let (orders, inbox) = tokio::sync::mpsc::unbounded_channel();
                let queued = Arc::new(AtomicUsize::new(0));
                let post = self.post.clone();
                let report = move |news| post.send(id, Item::News(news));
                let task = remote::carry(topology.clone(), mux, inbox, Arc::clone(&queued), report);
                self.runtime()?.spawn(task);
                Ok(Lane::Runtime(RuntimeLane::new(orders, queued, topology.is_cluster())))
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

    /// The renewals of a connection, with a task from the first use on.
    pub fn renewals(&mut self, id: u32) -> Result<Option<&mut Renewals>, Error> {
        let (post, heartbeat) = (self.post.clone(), self.heartbeat.clone());
        let Some(open) = self.links.get_mut(id as usize).and_then(Option::as_mut) else { return Ok(None) };
        if open.renewals.is_none() {
            let lost = Box::new(move |lock| post.send(id, Item::Lost(lock)));
            let (renewals, task) = Renewals::new(open.topology.clone(), &open.link.config, heartbeat, lost);
            open.renewals = Some(renewals);
            self.runtime()?.spawn(task);
        }
        Ok(self.links[id as usize].as_mut().and_then(|open| open.renewals.as_mut()))
    }

    /// Keeps the process alive, or not, for one reason more or less.
    pub fn hold(&mut self, more: bool) {
        let before = self.holds;
        self.holds = if more { before + 1 } else { before.saturating_sub(1) };
        if (before == 0) != (self.holds == 0) {
            self.post.hold(self.env, self.holds > 0);
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
