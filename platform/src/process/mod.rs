//! Runs agents as child processes: own process group, bounded output, killed as a group when their
//! time is over.
//!
//! A daemon that an agent leaves behind may keep the agent's outputs open, so an agent has ended when
//! its process has, not when its outputs have.

use core::cell::RefCell;
use core::time::Duration;
use diarch_cluster::manager_io::{AgentCall, AgentEnd, AgentResult};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use smol::Timer;
use smol::channel::Receiver;
use smol::future;
use smol::io::{AsyncRead, AsyncReadExt as _};
use smol::process::{Child, Command, Stdio};
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where OCF agents live.
const OCF_ROOT: &str = "/usr/lib/ocf";
/// Where agents are run.
const WORKING_FOLDER: &str = "/var/lib/pacemaker/cores";
/// The most that is kept of one output, in bytes: its end.
const OUTPUT_MAX: usize = 64 << 10;
/// The most that is kept of an agent's metadata, in bytes.
const METADATA_MAX: usize = 1 << 20;
/// How long outputs are still read after the process has ended.
const LAST_WORDS: Duration = Duration::from_millis(20);
/// The part of the environment that is the same for every agent.
const GENERAL: &[(&str, &str)] = &[
    ("HA_LOGFACILITY", "daemon"),
    ("HA_cluster_type", "corosync"),
    ("HA_debug", "0"),
    ("HA_logfacility", "daemon"),
    ("HA_mcp", "true"),
    ("HA_quorum_type", "corosync"),
    ("LC_ALL", "C"),
    ("OCF_ROOT", OCF_ROOT),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("PCMK_cluster_type", "corosync"),
    ("PCMK_debug", "0"),
    ("PCMK_logfacility", "daemon"),
    ("PCMK_mcp", "true"),
    ("PCMK_quorum_type", "corosync"),
    ("PCMK_service", "pacemaker-controld"),
];

/// Runs an agent to its end, or until something arrives on `stop`.
pub(crate) async fn run(call: &AgentCall, stop: Receiver<()>) -> AgentResult {
    let begun = Instant::now();
    let failed = |end, stderr| {
        let stdout = String::new();
        AgentResult { end, stdout, stderr, run: begun.elapsed() }
    };
    let Some(program) = program(call) else {
        let reason = format!("ocf-exit-reason:{}: no such class of agents", call.class);
        return failed(AgentEnd::NotInstalled, reason);
    };
    let child = match start(&program, call) {
        Ok(child) => child,
        Err(error) => {
            let reason = format!("ocf-exit-reason:{}: {error}", program.display());
            return failed(end_of(&error), reason);
        }
    };
    follow(child, call, stop).await
}

/// Follows a started agent to its end.
async fn follow(mut child: Child, call: &AgentCall, stop: Receiver<()>) -> AgentResult {
    let begun = Instant::now();
    let room = if call.action == "meta-data" { METADATA_MAX } else { OUTPUT_MAX };
    let (stdout, stderr) = (RefCell::new(Tail::new(room)), RefCell::new(Tail::new(OUTPUT_MAX)));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut reading = Box::pin(future::zip(read(out, &stdout), read(err, &stderr)));
    let end = {
        let patience = future::or(
            async {
                Timer::after(call.timeout).await;
                Some(AgentEnd::TimedOut)
            },
            async {
                // A closed channel means that nobody can ask any more.
                match stop.recv().await {
                    Ok(()) => Some(AgentEnd::Cancelled),
                    Err(_) => future::pending().await,
                }
            },
        );
        let process = async {
            match child.status().await {
                Ok(status) => Some(match (status.code(), status.signal()) {
                    (Some(code), _) => AgentEnd::Exited(code),
                    (None, signal) => AgentEnd::Signalled(signal.unwrap_or(0)),
                }),
                Err(_) => Some(AgentEnd::CouldNotRun),
            }
        };
        let outputs = async {
            (&mut reading).await;
            future::pending().await
        };
        let first = future::or(future::or(process, patience), outputs).await;
        first.unwrap_or(AgentEnd::CouldNotRun)
    };
    if matches!(end, AgentEnd::TimedOut | AgentEnd::Cancelled) {
        kill_group(&mut child).await;
    }
    let silence = async {
        Timer::after(LAST_WORDS).await;
    };
    let rest = async {
        (&mut reading).await;
    };
    future::or(rest, silence).await;
    drop(reading);
    let (stdout, stderr) = (stdout.into_inner().text(), stderr.into_inner().text());
    AgentResult { end, stdout, stderr, run: begun.elapsed() }
}

/// Kills everything that the agent has started and that did not leave its group, and collects it.
async fn kill_group(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id())
        && let Err(error) = killpg(Pid::from_raw(pid), Signal::SIGKILL)
    {
        log::warn!("cannot kill process group {pid}: {error}");
    }
    if let Err(error) = child.status().await {
        log::warn!("cannot collect a killed agent: {error}");
    }
}

/// The agent's file; nothing for a class that this build does not run.
fn program(call: &AgentCall) -> Option<PathBuf> {
    // A name is a name and not a way out of the agents' folder.
    let plain = |name: &str| !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    if !plain(&call.kind) {
        return None;
    }
    match call.class.as_str() {
        "ocf" if plain(&call.provider) => {
            Some(Path::new(OCF_ROOT).join("resource.d").join(&call.provider).join(&call.kind))
        }
        "lsb" => Some(Path::new("/etc/init.d").join(&call.kind)),
        _ => None,
    }
}

fn start(program: &Path, call: &AgentCall) -> io::Result<Child> {
    let folder = Some(Path::new(WORKING_FOLDER)).filter(|path| path.is_dir());
    let mut command = std::process::Command::new(program);
    command
        .arg(&call.action)
        .current_dir(folder.unwrap_or_else(|| Path::new("/")))
        .env_clear()
        .envs(GENERAL.iter().copied())
        .envs(call.environment.iter().map(|(name, value)| (name, value)))
        .process_group(0);
    Command::from(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// What a failed start means: that the agent is not there, or that it could not be tried at all.
fn end_of(error: &io::Error) -> AgentEnd {
    if error.kind() == io::ErrorKind::NotFound {
        AgentEnd::NotInstalled
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        AgentEnd::NotPermitted
    } else {
        AgentEnd::CouldNotRun
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, to: &RefCell<Tail>) {
    let Some(mut from) = from else {
        return;
    };
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        to.borrow_mut().push(&bytes[..count]);
    }
}

/// The end of an output.
#[derive(Debug)]
struct Tail {
    bytes: Vec<u8>,
    room: usize,
}

impl Tail {
    const fn new(room: usize) -> Self {
        Self { bytes: Vec::new(), room }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Twice the room at most, so that old bytes are moved out rarely.
        if self.bytes.len() > self.room * 2 {
            self.bytes.drain(..self.bytes.len() - self.room);
        }
    }

    fn text(self) -> String {
        let start = self.bytes.len().saturating_sub(self.room);
        String::from_utf8_lossy(&self.bytes[start..]).into_owned()
    }
}

#[cfg(test)]
mod tests;
