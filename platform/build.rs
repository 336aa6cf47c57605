//! Links `target/PROFILE/diarch` to the executable, which lies in the folder of its target.
//!
//! The build names its target so that the static C runtime applies to the executable alone; people
//! and scripts look for the executable where cargo puts it without a named target.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from)
        && let Err(error) = link(&out, &target)
    {
        println!("cargo::warning=target/PROFILE/diarch could not be linked: {error}");
    }
}

/// `out` is `TARGET_DIR/TRIPLE/PROFILE/build/PACKAGE/out`.
fn link(out: &Path, triple: &str) -> std::io::Result<()> {
    let Some(profile) = out.ancestors().nth(3) else {
        return Ok(());
    };
    let (Some(name), Some(parent)) = (profile.file_name(), profile.parent()) else {
        return Ok(());
    };
    if parent.file_name().is_none_or(|folder| folder != triple) {
        return Ok(());
    }
    let Some(target_dir) = parent.parent() else {
        return Ok(());
    };
    let folder = target_dir.join(name);
    std::fs::create_dir_all(&folder)?;
    let place = folder.join("diarch");
    let to = Path::new("..").join(triple).join(name).join("diarch");
    match std::fs::symlink_metadata(&place) {
        Ok(meta) if !meta.is_symlink() => return Ok(()),
        Ok(_) if std::fs::read_link(&place)? == to => return Ok(()),
        Ok(_) => std::fs::remove_file(&place)?,
        Err(_) => {}
    }
    std::os::unix::fs::symlink(to, place)
}
