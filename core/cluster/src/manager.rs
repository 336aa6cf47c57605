//! The upper half of one node: it decides what should run where and makes it so.
//!
//! One of the two managers leads. It orders every change, runs the scheduler and executes
//! transitions; the other carries changes out in the same order, runs what the leader asks of it
//! and passes its tools' requests on. What a node knows of its peer comes from its guardian's view,
//! and from nowhere else:
//!
//! ```text
//! view: peer member ──▶ stream opens ──▶ hello ──▶ the newer CIB is copied ──▶ joined ──▶ schedule
//! view: peer lost   ──▶ its actions fail, its state is unclean; nothing new is started
//! view: peer down   ──▶ its history and transient attributes are erased ──▶ schedule
//! ```
//!
//! Nothing is started unless the view says that this node may act, and the guardian is told that
//! something needs protection before the first agent runs that could make it so.

mod answers;
mod changes;
mod fence;
mod peer;
mod power;
mod tools;
mod unfence;
mod work;

#[cfg(test)]
mod tests;

use crate::alerts::{self, Alerts};
use crate::attributes::Table;
use crate::config::{LINKS_MAX, NodeIndex, PairConfig};
use crate::controller::policy::{self, Scheduler};
use crate::controller::status;
use crate::executor::Executor;
use crate::fencing::Fencer;
use crate::fencing::survey::Survey;
use crate::manager_io::{ClientId, Event, Input, Output, WallClock};
use crate::membership::wire::Seal;
use crate::replication::message::Hello;
use crate::replication::stream::Stream;
use crate::request::{Reply, Request};
use crate::transition::{Abort, Engine};
use crate::view::{BootId, LinkFigures, Notice, Peer, Report, View};
use crate::{Instant, random};
use changes::Changes;
use diarch_cib::Document;
use fence::Fencing;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a manager has to know from the start.
#[derive(Clone, Debug)]
pub struct ManagerConfig {
    /// The pair's settings.
    pub pair: PairConfig,
    /// This boot, as the guardian named it.
    pub boot: BootId,
    /// The text of the CIB as it was found on disk, if there was one.
    pub cib: Option<String>,
    /// Random, new at every start of the manager.
    pub seed: u64,
    /// What decides.
    pub scheduler: Scheduler,
}

/// Both clocks, as every entry point is given them.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    now: Instant,
    wall: WallClock,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Author {
    Nobody,
    Client(ClientId),
    /// A tool on the other node.
    Peer(u64),
}

/// A request that cannot be carried out yet.
#[derive(Debug)]
struct Held {
    author: Author,
    user: String,
    request: Request,
}

/// How things stand with the other manager.
#[derive(Debug, Default)]
struct Joining {
    /// Its last word on how things stand with it.
    hello: Option<Hello>,
    /// Its CIB is newer and was asked for.
    wanting: bool,
    /// It was given the CIB; it gets every change from here on.
    full_sent: bool,
    /// It has the CIB and has told its history.
    joined: bool,
}

/// How far this node is on its way out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Leaving {
    No,
    /// It was asked to leave; the scheduler stops everything.
    Asked,
    /// Everything is stopped, says the leader.
    Ready,
    /// The guardian was told.
    Gone,
}

/// The manager of one node.
#[derive(Debug)]
pub struct Manager {
    config: ManagerConfig,
    names: [String; 2],
    uuid: String,
    view: Option<View>,
    cib: Document,
    settled: bool,
    leading: bool,
    joining: Joining,
    peer_boot: Option<BootId>,
    stream: Stream,
    /// Links that are too narrow for the stream, a bit per link.
    heartbeats_only: u8,
    /// What the guardian said of each link.
    links: [Option<LinkFigures>; LINKS_MAX],
    executor: Executor,
    changes: Changes,
    attributes: Table,
    alerts: Alerts,
    fencing: Fencing,
    fencer: Fencer,
    survey: Survey,
    /// The configuration that the survey is about.
    surveyed: Option<[u64; 2]>,
    /// What the choice of devices that are tried out was made of: the configuration, how many
    /// answers the survey had, and whether the other node was there.
    tried: Option<(Option<[u64; 2]>, u64, bool)>,
    /// Until then a peer that was never heard may still be booting, and its power is not read.
    listen_until: Option<Instant>,
    /// What was already said about fence devices that cannot be used.
    unusable: BTreeSet<String>,
    engine: Option<Engine>,
    start_failure_is_fatal: bool,
    due: Option<Abort>,
    transition: u32,
    /// How often the scheduler has run without anything happening in between.
    runs: u32,
    recheck_at: Option<Instant>,
    held: VecDeque<Held>,
    asks: BTreeMap<u64, ClientId>,
    next_ask: u64,
    waiters: Vec<Author>,
    leaving: Leaving,
    protecting: Option<(bool, u32)>,
    progress_at: Instant,
    out: VecDeque<Output>,
}

impl Manager {
    /// A manager that has just been started.
    ///
    /// A CIB that does not parse is reported and replaced by an empty one of the lowest version, so
    /// that the peer's copy wins.
    #[must_use]
    pub fn new(config: ManagerConfig, now: Instant, _wall: WallClock) -> Self {
        let seal = Seal::new(&config.pair.key, &config.pair.cluster_name, config.pair.local);
        let links = u8::try_from(config.pair.links).unwrap_or(u8::MAX);
        let mut out = VecDeque::from([Output::Guardian(Report::Progress)]);
        let cib = match config.cib.as_deref().map(Document::parse) {
            Some(Ok(mut document)) if document.root().name() == "cib" => {
                status::ensure_sections(&mut document);
                let text = status::without_status(&document);
                Document::parse(&text).unwrap_or(document)
            }
            Some(Ok(_)) => {
                let text = "cib.xml holds no <cib>: starting with an empty configuration";
                out.push_back(Output::Event(Event::Warning(text.to_owned())));
                status::empty_cib()
            }
            Some(Err(error)) => {
                let text = format!("cib.xml: {error}: starting with an empty configuration");
                out.push_back(Output::Event(Event::Warning(text)));
                status::empty_cib()
            }
            None => status::empty_cib(),
        };
        Self {
            names: [config.pair.nodes[0].to_string(), config.pair.nodes[1].to_string()],
            uuid: uuid(config.seed),
            view: None,
            cib,
            settled: false,
            leading: false,
            joining: Joining::default(),
            peer_boot: None,
            heartbeats_only: config.pair.heartbeats_only,
            links: [None; LINKS_MAX],
            stream: Stream::new(seal, config.pair.local, links, config.seed),
            executor: Executor::default(),
            changes: Changes::default(),
            attributes: Table::default(),
            alerts: Alerts::default(),
            fencing: Fencing::new(config.seed),
            fencer: Fencer::new(config.seed),
            survey: Survey::default(),
            surveyed: None,
            tried: None,
            listen_until: Some(now.after(power::LISTEN)),
            unusable: BTreeSet::new(),
            engine: None,
            start_failure_is_fatal: true,
            due: None,
            transition: 0,
            runs: 0,
            recheck_at: None,
            held: VecDeque::new(),
            asks: BTreeMap::new(),
            next_ask: 0,
            waiters: Vec::new(),
            leaving: Leaving::No,
            protecting: None,
            progress_at: now.after(config.pair.timing.manager_progress / 4),
            out,
            config,
        }
    }

    /// Something happened.
    pub fn handle_input(&mut self, now: Instant, wall: WallClock, input: Input) {
        let at = Clocks { now, wall };
        match input {
            Input::Guardian(Notice::View(view)) => self.take_view(at, view),
            Input::Guardian(Notice::Fenced { request, outcome }) => {
                self.take_fence_outcome(at, request, outcome);
            }
            Input::Guardian(Notice::Shutdown) => self.begin_leaving(at),
            Input::Guardian(Notice::Link { link, figures }) => {
                if let Some(known) = self.links.get_mut(usize::from(link)) {
                    *known = Some(figures);
                }
            }
            Input::Guardian(Notice::Keys { key, next, use_next }) => {
                self.stream.set_keys(&key, next.as_ref(), use_next);
            }
            Input::Segment { link: _, bytes } => self.stream.handle_segment(now, &bytes),
            Input::AgentEnded { job, result } => {
                self.executor.agent_ended(now, wall, job, &result);
            }
            Input::PowerAnswered { job, result } => self.fencer.answered(now, job, result),
            Input::PlugKnown { job, result } => self.take_plug(at, job, result),
            Input::Persisted { ticket, result } => self.take_persisted(at, ticket, result),
            Input::Tool { client, credentials, request } => {
                self.take_tool(at, client, &credentials, request);
            }
            Input::ToolGone(client) => self.forget_client(client),
        }
        self.settle(at);
    }

    /// Does what is due; early and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant, wall: WallClock) {
        let at = Clocks { now, wall };
        if self.progress_at <= now {
            self.progress_at = now.after(self.config.pair.timing.manager_progress / 4);
            self.out.push_back(Output::Guardian(Report::Progress));
        }
        self.stream.handle_timeout(now);
        self.executor.handle_timeout(now);
        self.write_dampened(at);
        self.advance_fencing(at);
        self.listen_until.take_if(|until| *until <= now);
        let lost = self.engine.as_mut().map(|engine| engine.handle_timeout(now));
        for key in lost.into_iter().flatten() {
            self.warn(format!("{key} did not report in time"));
        }
        self.fail_overdue_fencing(at);
        if self.recheck_at.is_some_and(|due| due <= now) {
            self.recheck_at = None;
            self.abort(Abort::Recheck);
        }
        self.settle(at);
    }

    /// When [`Manager::handle_timeout`] is next due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [
            Some(self.progress_at),
            self.stream.poll_timeout(),
            self.executor.poll_timeout(),
            self.attributes.poll_timeout(),
            self.fencing.poll_timeout(),
            self.fencer.poll_timeout(),
            self.survey.poll_timeout(),
            self.listen_until,
            self.engine.as_ref().and_then(Engine::poll_timeout),
            self.recheck_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What to do next; to be called until there is nothing, after each `handle_…`.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.out.pop_front();
        output.or_else(|| {
            let (link, bytes) = self.stream.poll_segment()?;
            Some(Output::SendSegment { link, bytes })
        })
    }

    /// The CIB as this node knows it, for tests and the simulator's checkers.
    #[must_use]
    pub const fn cib(&self) -> &Document {
        &self.cib
    }

    /// The resources that are, or may be, active on this node.
    pub fn active(&self) -> impl Iterator<Item = &str> {
        self.executor.active()
    }

    /// Whether this manager orders changes.
    #[must_use]
    pub const fn leads(&self) -> bool {
        self.leading
    }

    /// Carries everything on until nothing more follows from what is known.
    fn settle(&mut self, at: Clocks) {
        self.runs = 0;
        loop {
            let news = self.take_deliveries(at);
            self.release_held(at);
            let results = self.take_effects(at);
            let moved = self.advance_transition(at);
            if !(news || results || moved || self.drive_power(at)) {
                break;
            }
        }
        self.finish_leaving();
        self.answer_waiters(at);
    }

    fn local(&self) -> NodeIndex {
        self.config.pair.local
    }

    fn local_name(&self) -> &str {
        &self.names[self.local().index()]
    }

    fn peer_name(&self) -> &str {
        &self.names[self.local().other().index()]
    }

    fn local_id(&self) -> String {
        self.local().id().to_string()
    }

    fn peer_id(&self) -> String {
        self.local().other().id().to_string()
    }

    /// The id of the node of this name.
    fn id_of(&self, name: &str) -> Option<String> {
        let nodes = [NodeIndex::First, NodeIndex::Second];
        let found = nodes.into_iter().find(|node| self.names[node.index()] == name)?;
        Some(found.id().to_string())
    }

    fn peer_is_member(&self) -> bool {
        matches!(self.view, Some(View { peer: Peer::Member { .. }, .. }))
    }

    fn may_act(&self) -> bool {
        self.view.is_some_and(|view| view.may_act)
    }

    /// Whether a change can be ordered now: nobody is about to bring a newer configuration.
    fn can_change(&self) -> bool {
        self.leading && (!self.peer_is_member() || self.joining.joined)
    }

    fn warn(&mut self, text: String) {
        self.out.push_back(Output::Event(Event::Warning(text)));
    }

    fn alert(&mut self, at: Clocks, event: alerts::Event<'_>) {
        let calls = self.alerts.calls(&self.cib, at.wall, event);
        self.out.extend(calls.into_iter().map(Output::Alert));
    }

    fn reply(&mut self, at: Clocks, author: Author, reply: Reply) {
        match author {
            Author::Nobody => {}
            Author::Client(client) => self.out.push_back(Output::Reply { client, reply }),
            Author::Peer(id) => self.answer_peer(at, id, &reply),
        }
    }

    fn forget_client(&mut self, client: ClientId) {
        self.asks.retain(|_, asked| *asked != client);
        self.waiters.retain(|waiter| *waiter != Author::Client(client));
        self.held.retain(|held| held.author != Author::Client(client));
        self.changes.forget(Author::Client(client));
    }

    /// The scheduler has to run again; a running transition is given up for it.
    fn abort(&mut self, abort: Abort) {
        if let Some(engine) = &mut self.engine {
            engine.abort(abort.clone());
        }
        self.fencing.stop_pausing();
        if self.due.is_none() {
            self.due = Some(abort);
        }
    }

    /// Tells the guardian what is at stake here, if that changed.
    fn report_protection(&mut self) {
        let weights = self.executor.active().filter_map(|name| policy::weight(&self.cib, name));
        let (mut active, mut weight) = (false, 0_u32);
        for one in weights {
            active = true;
            weight = weight.saturating_add(one);
        }
        let known = self.protecting.is_some() || self.transition > 0;
        if self.protecting != Some((active, weight)) && (active || known) {
            self.protecting = Some((active, weight));
            self.out.push_back(Output::Guardian(Report::Protecting { active, weight }));
        }
    }
}

/// A name for this incarnation in the form of a UUID.
fn uuid(seed: u64) -> String {
    let mut state = seed;
    let mut next = || {
        let number = random(state);
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        number
    };
    let digits = format!("{:016x}{:016x}", next(), next());
    let part = |range: core::ops::Range<usize>| digits.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
