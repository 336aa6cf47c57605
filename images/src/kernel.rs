//! Debian's kernel: the file to boot from, and the same without its packing for emulated machines.
//!
//! An emulated processor needs three seconds to unpack the kernel that a real one unpacks at once;
//! QEMU boots the bare ELF file through its PVH entry instead. Offsets of the header are those of
//! the kernel's `Documentation/x86/boot.rst`.

use crate::command;
use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kernel as unpacked from its package.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// `vmlinuz-VERSION`.
    pub(crate) packed: PathBuf,
    /// `lib/modules/VERSION`.
    pub(crate) modules: PathBuf,
    /// Its version, as `uname -r` prints it.
    pub(crate) version: String,
}

/// The kernel in an unpacked package.
///
/// # Errors
/// If there is none.
pub(crate) fn find(package: &Path) -> Result<Kernel, Failure> {
    let boot = package.join("boot");
    let version = fs::read_dir(&boot)
        .map_err(|source| Failure::file(&boot, source))?
        .filter_map(Result::ok)
        .find_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix("vmlinuz-").map(str::to_owned)
        })
        .ok_or_else(|| Failure::Missing(format!("{}/vmlinuz-*", boot.display())))?;
    let modules = ["lib/modules", "usr/lib/modules"]
        .iter()
        .map(|folder| package.join(folder).join(&version))
        .find(|folder| folder.is_dir())
        .ok_or_else(|| Failure::Missing(format!("modules of kernel {version}")))?;
    Ok(Kernel { packed: boot.join(format!("vmlinuz-{version}")), modules, version })
}

/// Writes the bare kernel out of `packed` to `to`.
///
/// # Errors
/// If the file is not a kernel, or packed in a way that is not known here.
pub(crate) fn unpack(packed: &Path, to: &Path) -> Result<(), Failure> {
    let data = fs::read(packed).map_err(|source| Failure::file(packed, source))?;
    let payload = payload(&data).ok_or_else(|| Failure::Malformed {
        what: packed.display().to_string(),
        why: "is not a kernel with a boot protocol of 2.08 or later",
    })?;
    let program = if payload.starts_with(b"\xfd7zXZ\0") {
        "xz"
    } else if payload.starts_with(b"\x28\xb5\x2f\xfd") {
        "zstd"
    } else {
        return Err(Failure::Malformed {
            what: packed.display().to_string(),
            why: "is packed neither with xz nor with zstd",
        });
    };
    let part = to.with_extension("part");
    fs::write(&part, payload).map_err(|source| Failure::file(&part, source))?;
    let bare = command::output(Command::new(program).args(["-dc"]).arg(&part))?;
    fs::write(to, bare).map_err(|source| Failure::file(to, source))?;
    fs::remove_file(&part).map_err(|source| Failure::file(&part, source))
}

fn payload(data: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| {
        let bytes = data.get(at..at + 4)?;
        Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    };
    if data.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let sectors = usize::from(*data.get(0x1f1)?) + 1;
    let start = sectors * 512 + word(0x248)?;
    // The payload ends with the unpacked size, four bytes that belong to no stream.
    let end = start + word(0x24c)?.checked_sub(4)?;
    data.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::payload;

    #[test]
    fn a_file_that_is_no_kernel_has_no_payload() {
        assert!(payload(b"short").is_none());
        assert!(payload(&[0; 4096]).is_none());
    }

    #[test]
    fn the_payload_is_found_by_the_header() {
        let mut data = vec![0; 2048];
        data[0x202..0x206].copy_from_slice(b"HdrS");
        data[0x1f1] = 1;
        data[0x248] = 16;
        data[0x24c] = 9;
        data[1040..1045].copy_from_slice(b"hello");
        assert_eq!(payload(&data), Some(&b"hello"[..]));
    }
}
