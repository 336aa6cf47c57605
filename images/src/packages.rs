//! Debian's packages: what has to be installed here, and what is only unpacked for the image.

use crate::command;
use crate::failure::Failure;
use crate::say;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What building the image needs on this machine.
pub(crate) const FOR_IMAGE: &[&str] = &[
    "busybox-static",
    "dash",
    "e2fsprogs",
    "iproute2",
    "iputils-ping",
    "mawk",
    "psmisc",
    "util-linux",
    "xz-utils",
    "zstd",
];

/// What running two machines needs.
pub(crate) const FOR_MACHINES: &[&str] = &["qemu-system-x86"];

/// Installs what is missing of `names`, naming it first.
///
/// # Errors
/// If `apt-get` cannot install them.
pub(crate) fn install(names: &[&str]) -> Result<(), Failure> {
    let missing: Vec<&str> = names.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say::line(format!("installing from Debian's packages: {}", missing.join(" ")));
    let install = || {
        let mut command = apt_get();
        command.args(["install", "-y", "--no-install-recommends"]).args(&missing);
        command
    };
    if command::output(&mut install()).is_ok() {
        return Ok(());
    }
    command::run("reading the package lists", apt_get().arg("update"))?;
    command::run("installing", &mut install())?;
    Ok(())
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Reads the package lists where this machine has none yet.
///
/// # Errors
/// If `apt-get` cannot read them.
pub(crate) fn know(name: &str) -> Result<(), Failure> {
    if candidate(name).is_err() {
        command::run("reading the package lists", apt_get().arg("update"))?;
    }
    Ok(())
}

/// Whether dpkg says that the package `name` is installed.
pub(crate) fn is_installed(name: &str) -> bool {
    let asked =
        command::output(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", name]));
    asked.is_ok_and(|answer| answer.starts_with(b"installed"))
}

/// The version of `name` that would be fetched now, and the package that a meta package stands for.
///
/// # Errors
/// If the package lists do not know it.
pub(crate) fn candidate(name: &str) -> Result<String, Failure> {
    let policy = command::output(Command::new("apt-cache").args(["policy", name]))?;
    let policy = String::from_utf8_lossy(&policy);
    policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))
        .filter(|version| *version != "(none)")
        .map(str::to_owned)
        .ok_or_else(|| Failure::Missing(format!("Debian package {name} (try apt-get update)")))
}

/// The first package that the meta package `name` depends on whose name begins with `prefix`.
///
/// # Errors
/// If there is none.
pub(crate) fn dependency(name: &str, prefix: &str) -> Result<String, Failure> {
    let depends = command::output(Command::new("apt-cache").args(["depends", name]))?;
    let depends = String::from_utf8_lossy(&depends);
    depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|package| package.starts_with(prefix))
        .map(str::to_owned)
        .ok_or_else(|| Failure::Missing(format!("what {name} depends on ({prefix}…)")))
}

/// Fetches `name` and unpacks it below `to`, without installing it; done once for each version.
///
/// # Errors
/// If it cannot be fetched or unpacked.
pub(crate) fn unpack(name: &str, to: &Path) -> Result<PathBuf, Failure> {
    let version = candidate(name)?;
    let place = to.join(format!("{name}_{}", version.replace([':', '/'], "_")));
    if place.is_dir() {
        return Ok(place);
    }
    say::line(format!("fetching Debian package {name} {version}"));
    let part = to.join(format!("{name}.part"));
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Failure::file(path, source)
    };
    if part.exists() {
        fs::remove_dir_all(&part).map_err(failed(&part))?;
    }
    let tree = part.join("tree");
    fs::create_dir_all(&tree).map_err(failed(&tree))?;
    command::run(
        &format!("fetching {name}"),
        apt_get()
            .current_dir(&part)
            .args(["download", "-o", "APT::Sandbox::User=root"])
            .arg(format!("{name}={version}")),
    )?;
    let archive = fs::read_dir(&part)
        .map_err(failed(&part))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .ok_or_else(|| Failure::Missing(format!("the archive of {name}")))?;
    command::run(
        &format!("unpacking {name}"),
        Command::new("dpkg").arg("-x").arg(&archive).arg(&tree),
    )?;
    fs::rename(&tree, &place).map_err(failed(&place))?;
    fs::remove_dir_all(&part).map_err(failed(&part))?;
    Ok(place)
}
