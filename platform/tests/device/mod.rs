//! Real devices' stand-ins for the tests of fence agents, and the agents as processes.

use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A stand-in: a process that listens on a UDP port of this machine, and its folder.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

impl Peer {
    /// Starts what `prepare` says in a folder of its own, for a port that is free.
    pub(crate) fn start(name: &str, prepare: impl FnOnce(&Path, u16) -> Command) -> Self {
        let folder = std::env::temp_dir().join(format!("diarch-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let mut command = prepare(&folder, port);
        command.current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        Self { child, folder, port }
    }
}

/// Writes an executable script.
pub(crate) fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// How an agent ended and what it said.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn is(&self, code: i32, out: &str) {
        assert_eq!((self.code, self.out.trim()), (Some(code), out), "{}", self.err);
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

#[expect(clippy::print_stdout, reason = "the harness counts what tests say on standard output")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

pub(crate) fn installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).exists())
}

pub(crate) fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs the agent `name` with these lines on its standard input.
pub(crate) fn agent(name: &str, lines: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_diarch"))
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}
