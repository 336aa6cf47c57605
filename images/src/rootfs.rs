//! What is in the image, file by file.

use crate::command;
use crate::cpio::{Entry, Tree};
use crate::failure::Failure;
use crate::kernel::Kernel;
use crate::modules;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs taken from this machine's packages as they are, each with the libraries it needs. The
/// rest of what agents call is `BusyBox`'s. The shell is `dash`: the one in `BusyBox` would prefer
/// its own applets to these.
const PROGRAMS: &[&str] = &[
    "/bin/dash",
    "/sbin/ip",
    "/usr/bin/mawk",
    "/bin/fuser",
    "/usr/bin/nohup",
    "/usr/bin/flock",
    "/sbin/blkid",
    "/sbin/fsck",
    "/sbin/e2fsck",
    "/sbin/mke2fs",
];

/// Names that agents use for a program that has another one here.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("/usr/bin/sh", "dash"),
    ("/usr/bin/gawk", "mawk"),
    ("/usr/bin/awk", "mawk"),
    ("/usr/sbin/fsck.ext4", "e2fsck"),
    ("/usr/sbin/mkfs.ext4", "mke2fs"),
];

/// Agents that come along, unmodified: those written for a POSIX shell that find here all that they
/// call.
const AGENTS: &[&str] = &[
    "heartbeat/Delay",
    "heartbeat/Filesystem",
    "heartbeat/IPaddr2",
    "heartbeat/IPsrcaddr",
    "heartbeat/MailTo",
    "heartbeat/Route",
    "heartbeat/anything",
    "heartbeat/exportfs",
    "heartbeat/iSCSILogicalUnit",
    "heartbeat/iSCSITarget",
    "heartbeat/nfsserver",
    "pacemaker/Dummy",
    "pacemaker/HealthCPU",
    "pacemaker/HealthIOWait",
    "pacemaker/Stateful",
    "pacemaker/attribute",
    "pacemaker/ping",
];

/// Our own files in the image: path, permissions, content.
const OWN_FILES: &[(&str, u32, &str)] = &[
    ("/etc/inittab", 0o644, include_str!("../files/inittab")),
    ("/etc/passwd", 0o644, include_str!("../files/passwd")),
    ("/etc/group", 0o644, include_str!("../files/group")),
    ("/etc/shadow", 0o600, include_str!("../files/shadow")),
    ("/etc/diarch.d/boot", 0o755, include_str!("../files/boot")),
    ("/etc/diarch.d/cluster", 0o755, include_str!("../files/cluster")),
    ("/etc/diarch.d/leave", 0o755, include_str!("../files/leave")),
    ("/etc/diarch.d/command-port", 0o755, include_str!("../files/command-port")),
    ("/usr/share/diarch/append.cgi", 0o755, include_str!("../files/append.cgi")),
    (
        "/usr/share/diarch/examples/storage-head.xml",
        0o644,
        include_str!("../examples/storage-head.xml"),
    ),
];

/// Directories that exist empty.
const DIRECTORIES: &[&str] = &[
    "/dev",
    "/etc/diarch",
    "/proc",
    "/root",
    "/run",
    "/srv/data",
    "/state",
    "/sys",
    "/tmp",
    "/var/lib/heartbeat",
    "/var/lib/pacemaker",
    "/var/log",
];

/// The places that are one place, as in Debian.
const MERGED: &[(&str, &str)] = &[
    ("/bin", "usr/bin"),
    ("/sbin", "usr/sbin"),
    ("/lib", "usr/lib"),
    ("/lib64", "usr/lib64"),
    ("/var/run", "/run"),
    ("/var/lock", "/run/lock"),
];

/// What the tree is made of.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    /// Debian's kernel.
    pub(crate) kernel: &'a Kernel,
    /// Unpacked packages that hold agents.
    pub(crate) agents: &'a [PathBuf],
    /// The static executable.
    pub(crate) executable: &'a Path,
    /// The names under which the executable is called.
    pub(crate) applets: &'a [String],
}

/// The whole root file system.
///
/// # Errors
/// If any of it is not where it should be.
pub(crate) fn tree(sources: &Sources<'_>) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    for path in ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64"] {
        tree.put(path, Entry::Directory(0o755));
    }
    for path in DIRECTORIES {
        tree.put(path, Entry::Directory(0o755));
    }
    tree.put("/tmp", Entry::Directory(0o1777));
    for (path, to) in MERGED {
        tree.put(path, Entry::Link((*to).to_owned()));
    }
    tree.put("/dev/console", Entry::Device(5, 1));
    tree.put("/init", Entry::Link("/usr/bin/busybox".to_owned()));
    for (path, mode, text) in OWN_FILES {
        tree.put(path, Entry::File(*mode, text.as_bytes().to_vec()));
    }
    put_file(&mut tree, sources.executable, "/usr/sbin/diarch")?;
    for applet in sources.applets {
        tree.put(&format!("/usr/sbin/{applet}"), Entry::Link("diarch".to_owned()));
    }
    busybox(&mut tree)?;
    for program in PROGRAMS {
        put_program(&mut tree, Path::new(program), &merged(program))?;
    }
    for (path, to) in OTHER_NAMES {
        tree.put(path, Entry::Link((*to).to_owned()));
    }
    for package in sources.agents {
        agents(&mut tree, package)?;
    }
    for agent in AGENTS {
        if !tree.contains(&format!("/usr/lib/ocf/resource.d/{agent}")) {
            return Err(Failure::Missing(format!("the agent ocf:{agent}")));
        }
    }
    kernel_modules(&mut tree, sources.kernel)?;
    Ok(tree)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| Failure::file(path, source))
}

fn put_file(tree: &mut Tree, from: &Path, to: &str) -> Result<(), Failure> {
    tree.put(to, Entry::File(0o755, read(from)?));
    Ok(())
}

/// Where `path` is once `/bin` is `/usr/bin`.
fn merged(path: &str) -> String {
    if path.starts_with("/usr/") { path.to_owned() } else { format!("/usr{path}") }
}

/// Every applet that no program above replaces.
fn busybox(tree: &mut Tree) -> Result<(), Failure> {
    let path = Path::new("/bin/busybox");
    let list = command::output(Command::new(path).arg("--list-full"))?;
    put_file(tree, path, "/usr/bin/busybox")?;
    for applet in String::from_utf8_lossy(&list).lines() {
        let place = merged(&format!("/{}", applet.trim_start_matches('/')));
        // Debian's package for the archive tools is not what this image is for.
        if applet.ends_with("busybox") || applet.ends_with("dpkg") {
            continue;
        }
        tree.put(&place, Entry::Link("/usr/bin/busybox".to_owned()));
    }
    Ok(())
}

fn put_program(tree: &mut Tree, from: &Path, to: &str) -> Result<(), Failure> {
    put_file(tree, from, to)?;
    let libraries = command::output(Command::new("ldd").arg(from))?;
    for library in libraries_of(&String::from_utf8_lossy(&libraries)) {
        let place = merged(&library);
        if !tree.contains(&place) {
            put_file(tree, Path::new(&library), &place)?;
        }
    }
    Ok(())
}

/// The absolute paths in what `ldd` prints.
fn libraries_of(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(str::to_owned)
        .collect()
}

/// The agents of the list in an unpacked package, and everything else that agents share.
fn agents(tree: &mut Tree, package: &Path) -> Result<(), Failure> {
    for folder in ["usr/lib/ocf/lib/heartbeat", "usr/libexec/heartbeat"] {
        let from = package.join(folder);
        if !from.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&from).map_err(|source| Failure::file(&from, source))? {
            let path = entry.map_err(|source| Failure::file(&from, source))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let to = format!("/{folder}/{name}");
            if path.is_dir() || name.ends_with(".py") {
                continue;
            }
            if folder.starts_with("usr/libexec") {
                // Some of them need libraries that nothing else here needs.
                if matches!(&*name, "send_arp" | "findif" | "tickle_tcp") {
                    put_program(tree, &path, &to)?;
                }
            } else {
                put_file(tree, &path, &to)?;
            }
        }
    }
    let resources = package.join("usr/lib/ocf/resource.d");
    for agent in AGENTS {
        let path = resources.join(agent);
        if path.is_file() {
            put_file(tree, &path, &format!("/usr/lib/ocf/resource.d/{agent}"))?;
        }
    }
    for name in ["ocf-binaries", "ocf-directories", "ocf-returncodes", "ocf-shellfuncs"] {
        tree.put(
            &format!("/usr/lib/ocf/resource.d/heartbeat/.{name}"),
            Entry::Link(format!("../../lib/heartbeat/{name}")),
        );
    }
    Ok(())
}

fn kernel_modules(tree: &mut Tree, kernel: &Kernel) -> Result<(), Failure> {
    let base = format!("/usr/lib/modules/{}", kernel.version);
    let loaded = modules::closure(&kernel.modules, modules::LOADED)?;
    let names: Vec<&str> = modules::LOADED.iter().chain(modules::CARRIED).copied().collect();
    let all = modules::closure(&kernel.modules, &names)?;
    tree.put(
        &format!("{base}/modules.dep"),
        Entry::File(0o644, modules::dependency_file(&all).into_bytes()),
    );
    tree.put(
        &format!("{base}/modules.alias"),
        Entry::File(0o644, modules::alias_file(&all).into_bytes()),
    );
    let order: Vec<&str> = loaded.iter().map(|module| module.name.as_str()).collect();
    tree.put("/etc/modules", Entry::File(0o644, (order.join("\n") + "\n").into_bytes()));
    for module in all {
        tree.put(&format!("{base}/kernel/{}.ko", module.name), Entry::File(0o644, module.data));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{libraries_of, merged};

    #[test]
    fn libraries_are_taken_from_what_ldd_prints() {
        let text = "\tlinux-vdso.so.1 (0x0)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x1)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x2)\n";
        assert_eq!(
            libraries_of(text),
            ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]
        );
    }

    #[test]
    fn places_are_those_of_a_merged_tree() {
        assert_eq!(merged("/sbin/ip"), "/usr/sbin/ip");
        assert_eq!(merged("/usr/bin/mawk"), "/usr/bin/mawk");
    }
}
