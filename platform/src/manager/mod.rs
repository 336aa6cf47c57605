//! The manager's process: one thread, one loop. Tasks wait for the guardian, the links, tools and
//! agents, and put what happened into one queue; the loop tells the machine and does what it asks.

mod tasks;

use crate::cli::exit::Exit;
use crate::config::Settings;
use crate::halves::encode_report;
use crate::ipc::server::{self, ANSWERS_MAX, CLIENTS_MAX, Client};
use crate::storage::{self, CibStore, InputStore};
use crate::timeline::Line;
use crate::transport::{Carrier, Half, Link as Transport};
use crate::{clock, fence, process};
use diarch_cluster::controller::policy;
use diarch_cluster::manager::{Manager, ManagerConfig};
use diarch_cluster::manager_io::{AgentCall, AlertCall, ClientId, Durable, Input, JobId, Output};
use diarch_cluster::request::Reply;
use diarch_cluster::view::BootId;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use smol::channel::{Receiver, Sender, bounded};
use smol::{Async, LocalExecutor, Task, Timer};
use socket2::Socket;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use tasks::Event;

/// What can wait to be told to the machine.
const EVENTS_MAX: usize = 256;
/// Events told in one turn, before the machine's own time is looked at.
const EVENTS_PER_TURN: usize = 64;

/// Runs the manager until it has nothing more to do, or its guardian is gone.
///
/// # Errors
/// The process cannot be set up.
pub(crate) fn run(settings: Settings, boot: BootId) -> io::Result<Exit> {
    prepare()?;
    let executor = Rc::new(LocalExecutor::new());
    let world = World::new(settings, boot, Rc::clone(&executor))?;
    smol::block_on(executor.run(world.turn()))
}

/// What agents inherit: no blocked signals, a permissive mask, no protection from a short memory.
fn prepare() -> io::Result<()> {
    SigSet::empty().thread_set_mask()?;
    // SAFETY: nothing else in this process uses this signal; ignoring one runs no code.
    unsafe { nix::sys::signal::signal(Signal::SIGPIPE, nix::sys::signal::SigHandler::SigIgn) }?;
    umask(Mode::from_bits_truncate(0o026));
    if let Err(error) = fs::write("/proc/self/oom_score_adj", "0") {
        log::warn!("/proc/self/oom_score_adj: {error}");
    }
    fs::create_dir_all(process::WORKING_FOLDER)?;
    fs::create_dir_all("/run/resource-agents")
}

/// A link as the manager uses it.
struct Link {
    socket: Transport,
    reader: Option<Task<()>>,
}

/// Alert agents that run at the same time; each is killed when its time is over.
const ALERTS_MAX: usize = 64;

/// Everything outside the machine.
struct World {
    executor: Rc<LocalExecutor<'static>>,
    machine: Manager,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    guardian: Rc<Async<Socket>>,
    links: Vec<Link>,
    cib: CibStore,
    inputs: InputStore,
    /// Stops an agent that runs.
    jobs: BTreeMap<JobId, Sender<()>>,
    /// Takes a client's answers.
    clients: BTreeMap<ClientId, Sender<Reply>>,
    next_client: u64,
    /// Held once more by each alert agent that runs.
    alerts: Rc<()>,
}

impl World {
    fn new(
        settings: Settings,
        boot: BootId,
        executor: Rc<LocalExecutor<'static>>,
    ) -> io::Result<Self> {
        // SAFETY: the guardian starts this process with the socket there, and nothing else uses it.
        let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(0) });
        socket.set_nonblocking(true)?;
        let guardian = Rc::new(Async::new_nonblocking(socket)?);
        let root = Path::new(storage::ROOT);
        let cib = CibStore::new(&root.join("cib"))?;
        let inputs = InputStore::new(&root.join("pengine"))?;
        let mut links = Vec::new();
        for link in &settings.links {
            let socket = Transport::new(link, Half::Manager)?;
            links.push(Link { socket, reader: None });
        }
        let config = ManagerConfig {
            pair: settings.pair,
            boot,
            cib: cib.load(),
            seed: random()?,
            scheduler: policy::plan,
        };
        let machine = Manager::new(config, clock::now(), clock::wall());
        let (events, inbox) = bounded(EVENTS_MAX);
        let mut world = Self {
            executor,
            machine,
            events,
            inbox,
            guardian,
            links,
            cib,
            inputs,
            jobs: BTreeMap::new(),
            clients: BTreeMap::new(),
            next_client: 0,
            alerts: Rc::new(()),
        };
        world.follow_links();
        world.begin(tasks::hear_guardian(Rc::clone(&world.guardian), world.events.clone()));
        world.begin(tasks::accept_clients(server::listen()?, world.events.clone()));
        let news = Async::new_nonblocking(Carrier::new()?)?;
        world.begin(tasks::hear_news(news, world.events.clone()));
        Ok(world)
    }

    fn begin(&self, task: impl Future<Output = ()> + 'static) {
        self.executor.spawn(task).detach();
    }

    /// The loop.
    async fn turn(mut self) -> io::Result<Exit> {
        loop {
            while let Some(output) = self.machine.poll_output() {
                if let Some(exit) = self.perform(output) {
                    return Ok(exit);
                }
            }
            if let Some(event) = self.wait().await
                && let Some(exit) = self.take(event)
            {
                return Ok(exit);
            }
            for _ in 0..EVENTS_PER_TURN {
                let Ok(event) = self.inbox.try_recv() else {
                    break;
                };
                if let Some(exit) = self.take(event) {
                    return Ok(exit);
                }
            }
            self.machine.handle_timeout(clock::now(), clock::wall());
        }
    }

    /// The next event, or none when the machine's time has come.
    async fn wait(&self) -> Option<Event> {
        let event = async { self.inbox.recv().await.ok() };
        match self.machine.poll_timeout() {
            None => event.await,
            Some(deadline) => {
                let due = async {
                    Timer::after(clock::until(deadline)).await;
                    None
                };
                smol::future::or(event, due).await
            }
        }
    }

    /// Tells the machine what happened; a status ends the process.
    fn take(&mut self, event: Event) -> Option<Exit> {
        match event {
            Event::Machine(input) => self.tell(input),
            Event::AgentEnded { job, result } => {
                self.jobs.remove(&job);
                self.tell(Input::AgentEnded { job, result });
            }
            Event::LinksChanged => self.follow_links(),
            Event::Connected(client) => self.serve(client),
            Event::Disconnected(client) => {
                if self.clients.remove(&client).is_some() {
                    self.tell(Input::ToolGone(client));
                }
            }
            Event::GuardianGone => {
                log::error!("the guardian is gone: this node will be reset");
                return Some(Exit::Fatal);
            }
        }
        None
    }

    fn tell(&mut self, input: Input) {
        self.machine.handle_input(clock::now(), clock::wall(), input);
    }

    /// Follows what the links run on.
    fn follow_links(&mut self) {
        for (index, link) in (0_u8..).zip(&mut self.links) {
            match link
                .socket
                .refresh()
                .and_then(|changed| Ok(if changed { Some(link.socket.reader()?) } else { None }))
            {
                Ok(None) => {}
                Ok(Some(None)) => link.reader = None,
                Ok(Some(Some(socket))) => {
                    let task = tasks::hear_link(index, socket, self.events.clone());
                    link.reader = Some(self.executor.spawn(task));
                }
                Err(error) => log::error!("link {index} cannot be used: {error}"),
            }
        }
    }

    fn serve(&mut self, client: Client) {
        if self.clients.len() >= CLIENTS_MAX {
            log::warn!("a tool was turned away: {CLIENTS_MAX} are connected");
            return;
        }
        self.next_client += 1;
        let id = ClientId(self.next_client);
        let (answers, queue) = bounded(ANSWERS_MAX);
        self.clients.insert(id, answers);
        self.begin(tasks::serve(id, client, queue, self.events.clone()));
    }

    /// Does what the machine asks; a status ends the process.
    fn perform(&mut self, output: Output) -> Option<Exit> {
        match output {
            Output::Guardian(report) => {
                let mut socket = self.guardian.get_ref();
                if let Err(error) = socket.write(&encode_report(&report)) {
                    log::error!("the guardian cannot be told: {error}");
                }
            }
            Output::SendSegment { link, bytes } => {
                if let Some(link) = self.links.get(usize::from(link)) {
                    // A segment that is lost is sent again, on another link.
                    link.socket.send(&bytes).ok();
                }
            }
            Output::RunAgent { job, call } => self.run_agent(job, call),
            Output::Alert(call) => self.alert(call),
            Output::AskPower { job, device, action, within } => {
                let events = self.events.clone();
                self.begin(async move {
                    let result = fence::ask(&device, action, within).await;
                    let input = Input::PowerAnswered { job, result };
                    events.send(Event::Machine(input)).await.ok();
                });
            }
            Output::AskPlug(question) => {
                let events = self.events.clone();
                self.begin(async move {
                    let result = fence::find(&question).await;
                    let input = Input::PlugKnown { job: question.job, result };
                    events.send(Event::Machine(input)).await.ok();
                });
            }
            Output::CancelAgent(job) => {
                if let Some(stop) = self.jobs.get(&job) {
                    stop.try_send(()).ok();
                }
            }
            Output::Persist { ticket, what } => {
                let result = self.persist(&what).map_err(|error| error.to_string());
                if let Err(error) = &result {
                    log::error!("nothing could be stored: {error}");
                }
                self.tell(Input::Persisted { ticket, result });
            }
            Output::Reply { client, reply } => {
                let taken = self.clients.get(&client).map(|to| server::answer(to, reply));
                if taken == Some(false) {
                    // Its task ends when nobody will answer any more.
                    self.clients.remove(&client);
                    self.tell(Input::ToolGone(client));
                }
            }
            Output::Event(event) => {
                log::info!("{}", Line { event: &event, links: &[], at: clock::now() });
            }
            Output::Exit => return Some(Exit::Ok),
        }
        None
    }

    fn run_agent(&mut self, job: JobId, call: AgentCall) {
        let (stop, stopped) = bounded(1);
        self.jobs.insert(job, stop);
        let events = self.events.clone();
        self.begin(async move {
            let result = process::run(call, stopped).await;
            events.send(Event::AgentEnded { job, result }).await.ok();
        });
    }

    fn alert(&self, call: AlertCall) {
        if Rc::strong_count(&self.alerts) > ALERTS_MAX {
            log::warn!("alert {}: {ALERTS_MAX} agents run already: it is not called", call.id);
            return;
        }
        let running = Rc::clone(&self.alerts);
        self.begin(async move {
            process::alert(call).await;
            drop(running);
        });
    }

    fn persist(&self, what: &Durable) -> io::Result<()> {
        match what {
            Durable::Cib { text, version } => {
                self.cib.store(text)?;
                log::debug!("CIB {version} is on stable storage");
                Ok(())
            }
            Durable::SchedulerInput { series, text } => self.inputs.store(series, text),
        }
    }
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
