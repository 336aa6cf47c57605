//! The kernel's modules that the image carries: a closed set, in an order in which they load.

use crate::failure::Failure;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Loaded at every boot, where the hardware is there or not.
pub(crate) const LOADED: &[&str] =
    &["virtio_pci", "virtio_blk", "virtio_net", "ext4", "crc32c_generic", "i6300esb"];

/// Carried along for other machines; `modprobe` finds them.
pub(crate) const CARRIED: &[&str] = &[
    "softdog",
    "iTCO_wdt",
    "lpc_ich",
    "virtio_scsi",
    "sd_mod",
    "ahci",
    "nvme",
    "e1000e",
    "igb",
    "hpwdt",
    "sp5100_tco",
    "ipmi_si",
    "ipmi_devintf",
    "ipmi_watchdog",
    "loop",
    "mpt3sas",
    "megaraid_sas",
    "ixgbe",
    "i40e",
    "ice",
    "tg3",
    "bnxt_en",
    "r8169",
    "usb_storage",
    "xhci_pci",
    "vfat",
];

/// One module: its file, and what it needs.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// Its name with underscores.
    pub(crate) name: String,
    /// Its content, uncompressed.
    pub(crate) data: Vec<u8>,
    /// The names of the modules that have to be loaded before it.
    pub(crate) needs: Vec<String>,
}

/// The modules `names` and all they need, below `tree` (`lib/modules/VERSION`), dependencies first.
/// A name that has no file is built into the kernel.
///
/// # Errors
/// If a module cannot be read.
pub(crate) fn closure(tree: &Path, names: &[&str]) -> Result<Vec<Module>, Failure> {
    let mut files = BTreeMap::new();
    index(tree, &mut files)?;
    let mut done = Vec::new();
    for name in names {
        add(&files, &plain(name), &mut done)?;
    }
    Ok(done)
}

fn add(
    files: &BTreeMap<String, PathBuf>,
    name: &str,
    done: &mut Vec<Module>,
) -> Result<(), Failure> {
    if done.iter().any(|module| module.name == name) {
        return Ok(());
    }
    let Some(path) = files.get(name) else {
        return Ok(());
    };
    let data = read(path)?;
    let needs = needs(&data);
    for need in &needs {
        add(files, need, done)?;
    }
    done.push(Module { name: name.to_owned(), data, needs });
    Ok(())
}

fn index(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).map_err(|source| Failure::file(folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| Failure::file(folder, source))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            index(&path, files)?;
        } else if let Some((stem, end)) = name.split_once(".ko")
            && matches!(end, "" | ".xz" | ".zst")
        {
            files.insert(plain(stem), path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let program = match path.extension().and_then(|end| end.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => return fs::read(path).map_err(|source| Failure::file(path, source)),
    };
    crate::command::output(std::process::Command::new(program).arg("-dc").arg(path))
}

/// What a module's `.modinfo` says it needs: `depends=`, and `softdep=pre:`.
fn needs(data: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for value in information(data, "depends").chain(information(data, "softdep")) {
        let before = value.split("post:").next().unwrap_or("");
        let words = before.split([',', ' ']);
        found.extend(words.filter(|word| !word.is_empty() && *word != "pre:").map(plain));
    }
    found
}

/// The values of `key` in a module's `.modinfo`.
fn information<'a>(data: &'a [u8], key: &str) -> impl Iterator<Item = String> + use<'a> {
    let start = format!("{key}=").into_bytes();
    data.split(|byte| *byte == 0).filter_map(move |entry| {
        let value = entry.strip_prefix(start.as_slice())?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// `modules.alias` for `modules`: by which names of devices the kernel means them.
pub(crate) fn alias_file(modules: &[Module]) -> String {
    let mut text = String::new();
    for module in modules {
        for alias in information(&module.data, "alias") {
            text.push_str(&format!("alias {alias} {}\n", module.name));
        }
    }
    text
}

fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// `modules.dep` for `modules`, whose files are `kernel/NAME.ko`: each with all that it needs, what
/// has to be loaded first last. `modules` has dependencies first.
pub(crate) fn dependency_file(modules: &[Module]) -> String {
    let mut text = String::new();
    for (number, module) in modules.iter().enumerate() {
        text.push_str(&format!("kernel/{}.ko:", module.name));
        let mut needed: Vec<&String> = module.needs.iter().collect();
        for other in modules[..number].iter().rev() {
            if needed.contains(&&other.name) {
                text.push_str(&format!(" kernel/{}.ko", other.name));
                needed.extend(&other.needs);
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Module, alias_file, dependency_file, needs};

    #[test]
    fn needs_are_read_from_modinfo() {
        let data = b"x\0license=GPL\0depends=virtio,virtio-ring\0softdep=pre: crc32c post: y\0";
        assert_eq!(needs(data), ["virtio", "virtio_ring", "crc32c"]);
        assert!(needs(b"\0depends=\0").is_empty());
    }

    #[test]
    fn an_alias_file_names_what_drives_a_device() {
        let data = b"x\0alias=pci:v00008086d*\0alias=fs-x\0".to_vec();
        let module = Module { name: "m".to_owned(), data, needs: Vec::new() };
        assert_eq!(alias_file(&[module]), "alias pci:v00008086d* m\nalias fs-x m\n");
    }

    #[test]
    fn a_dependency_file_names_what_is_needed_in_the_end() {
        let module = |name: &str, needs: &[&str]| Module {
            name: name.to_owned(),
            data: Vec::new(),
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        };
        let all = [module("a", &[]), module("b", &["a"]), module("c", &["b"])];
        let text = dependency_file(&all);
        assert!(text.ends_with("kernel/c.ko: kernel/b.ko kernel/a.ko\n"));
    }
}
