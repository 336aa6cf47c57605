//! The bootable image: kernel and root file system, from Debian's packages and our executable.

use crate::command;
use crate::cpio::Tree;
use crate::failure::Failure;
use crate::kernel;
use crate::packages;
use crate::rootfs::{self, Sources};
use crate::say;
use crate::workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names under which the executable is called where it cannot be asked for them.
const AGENT_PACKAGES: &[&str] = &["resource-agents", "pacemaker-resource-agents"];

/// Where the parts of a built image are, and how large they are.
#[derive(Debug)]
pub(crate) struct Image {
    /// The folder that holds `vmlinux`, `vmlinuz`, `initrd` and `initrd.zst`.
    pub(crate) folder: PathBuf,
}

/// What an image is made of beside the executable.
struct Parts {
    /// The kernel's unpacked package.
    package: PathBuf,
    /// The kernel and its modules.
    kernel: kernel::Kernel,
    /// The agents' unpacked packages.
    agents: Vec<PathBuf>,
}

impl Parts {
    fn gather() -> Result<Self, Failure> {
        packages::install(packages::FOR_IMAGE)?;
        let unpacked = workspace::image().join("packages");
        make_folder(&unpacked)?;
        packages::know("linux-image-amd64")?;
        let name = packages::dependency("linux-image-amd64", "linux-image-")?;
        let package = packages::unpack(&name, &unpacked)?;
        let kernel = kernel::find(&package)?;
        let agents = AGENT_PACKAGES
            .iter()
            .map(|name| packages::unpack(name, &unpacked))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { package, kernel, agents })
    }

    fn root(&self, executable: &Path) -> Result<Tree, Failure> {
        rootfs::tree(&Sources {
            kernel: &self.kernel,
            agents: &self.agents,
            executable,
            applets: &applets(executable)?,
        })
    }
}

/// Builds everything that is not there yet, and the image from it.
///
/// # Errors
/// If a package, a file or a program is missing, or the executable does not build.
pub(crate) fn build() -> Result<Image, Failure> {
    let executable = workspace::build_executable()?;
    let parts = Parts::gather()?;
    let tree = parts.root(&executable)?;
    let folder = workspace::image();
    let bare = folder.join("vmlinux");
    let stamp = folder.join("kernel-version");
    let built = fs::read_to_string(&stamp).unwrap_or_default();
    let wanted = parts.package.to_string_lossy();
    if built != wanted || !bare.is_file() {
        kernel::unpack(&parts.kernel.packed, &bare)?;
        copy(&parts.kernel.packed, &folder.join("vmlinuz"))?;
        write(&stamp, wanted.as_bytes())?;
    }
    let modules = "/usr/lib/modules";
    write(&folder.join("initrd"), &tree.archive())?;
    let small = folder.join("without-modules");
    write(&small, &tree.without(modules).archive())?;
    let packed = pack(&folder.join("initrd"))?;
    let packed_small = pack(&small)?;
    let kernel_size = size(&folder.join("vmlinuz"))?;
    say::line(format!(
        "image: {} to install (kernel {} + root {}); unpacked root {}, of it kernel modules {}",
        say::size(kernel_size + packed),
        say::size(kernel_size),
        say::size(packed),
        say::size(tree.bytes_under("")),
        say::size(tree.bytes_under(modules)),
    ));
    say::line(format!(
        "image without the kernel's modules: {} (root {}); unpacked {}",
        say::size(kernel_size + packed_small),
        say::size(packed_small),
        say::size(tree.bytes_under("") - tree.bytes_under(modules)),
    ));
    Ok(Image { folder })
}

/// Builds, beside the `whole` image, one whose guardians take over without proof: the referee has
/// to catch it. It is never packed, so nobody installs it by mistake.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_without_proof(whole: &Image) -> Result<Image, Failure> {
    let executable = workspace::build_executable_without_proof()?;
    let tree = Parts::gather()?.root(&executable)?;
    let folder = workspace::target().join("image-without-proof");
    make_folder(&folder)?;
    copy(&whole.folder.join("vmlinux"), &folder.join("vmlinux"))?;
    write(&folder.join("initrd"), &tree.archive())?;
    Ok(Image { folder })
}

/// The names under which the executable is called, as it says itself.
fn applets(executable: &Path) -> Result<Vec<String>, Failure> {
    let said = command::output(Command::new(executable).arg("--list-applets"))?;
    Ok(String::from_utf8_lossy(&said).split_whitespace().map(str::to_owned).collect())
}

fn pack(path: &Path) -> Result<u64, Failure> {
    let packed = path.with_extension("zst");
    command::run(
        "packing the root file system",
        Command::new("zstd").args(["-q", "-f", "-12", "-T0", "-o"]).arg(&packed).arg(path),
    )?;
    size(&packed)
}

fn size(path: &Path) -> Result<u64, Failure> {
    fs::metadata(path).map(|meta| meta.len()).map_err(|source| Failure::file(path, source))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|source| Failure::file(path, source))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::copy(from, to).map(drop).map_err(|source| Failure::file(from, source))
}

fn write(path: &Path, data: &[u8]) -> Result<(), Failure> {
    fs::write(path, data).map_err(|source| Failure::file(path, source))
}
