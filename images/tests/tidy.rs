//! Checks what the compiler does not: sizes, file headers, and who may depend on whom.
#![expect(clippy::unwrap_used, reason = "a check that cannot read the sources has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file without its tests.
const FILE_LINES_MAX: usize = 800;
/// Columns of a line.
const LINE_COLUMNS_MAX: usize = 100;

/// Which of our packages each folder may name among its dependencies.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("core/cib", &[]),
    ("core/scheduler", &["diarch-cib"]),
    ("core/cluster", &["diarch-cib", "diarch-scheduler", "diarch-watchdog"]),
    ("core/sim", &["diarch-cib", "diarch-scheduler", "diarch-cluster", "diarch-watchdog"]),
    ("watchdog", &[]),
    ("fencing-hw", &[]),
    (
        "platform",
        &[
            "diarch-cib",
            "diarch-scheduler",
            "diarch-cluster",
            "diarch-watchdog",
            "diarch-fencing-hw",
        ],
    ),
    (
        "fuzz",
        &[
            "diarch-cib",
            "diarch-scheduler",
            "diarch-cluster",
            "diarch-watchdog",
            "diarch-fencing-hw",
        ],
    ),
    ("images", &[]),
    ("qemu-tests", &[]),
];

/// Words that a crate of decisions may not contain: the world is reached through `platform` only.
const NO_WORLD: &[&str] = &[
    "std::net::",
    "std::fs::",
    "std::process::",
    "std::thread::",
    "Instant::now",
    "SystemTime::now",
    "HashMap",
    "HashSet",
];

/// The only places that may contain `unsafe`.
const MAY_BE_UNSAFE: &[&str] = &["platform/src/", "watchdog/src/"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn every_dependency_between_our_packages_is_one_that_the_design_allows() {
    let mut problems = Vec::new();
    for (folder, allowed) in MAY_DEPEND_ON {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let section = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        for name in section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()) {
            if name.starts_with("diarch") && !allowed.contains(&name) {
                problems.push(format!("{folder} may not depend on {name}"));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_source_file_has_a_header_and_bounded_size() {
    let mut problems = Vec::new();
    for (folder, _) in MAY_DEPEND_ON {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            if !text.starts_with("//!") {
                problems.push(format!("{name}: starts without a module comment"));
            }
            let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            let is_test = name.ends_with("tests.rs") || name.contains("/tests/");
            if !is_test && code.lines().count() > FILE_LINES_MAX {
                problems.push(format!("{name}: more than {FILE_LINES_MAX} lines"));
            }
            for (number, line) in text.lines().enumerate() {
                if line.chars().count() > LINE_COLUMNS_MAX {
                    let at = number + 1;
                    problems.push(format!("{name}:{at}: more than {LINE_COLUMNS_MAX} columns"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn nothing_that_decides_can_reach_the_world() {
    let mut problems = Vec::new();
    for folder in ["core/cib", "core/scheduler", "core/cluster", "core/sim"] {
        for file in rust_files(&root().join(folder).join("src")) {
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            // The simulator's own command line prints and reads arguments.
            if name.ends_with("main.rs") || name.ends_with("tests.rs") || name.contains("/bin/") {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap_or_default();
                for word in NO_WORLD.iter().filter(|word| line.contains(**word)) {
                    problems.push(format!("{name}:{}: uses {word}", number + 1));
                }
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn unsafe_code_stands_only_where_linux_is_called() {
    let mut problems = Vec::new();
    for (folder, _) in MAY_DEPEND_ON {
        for file in rust_files(&root().join(folder).join("src")) {
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            let text = fs::read_to_string(&file).unwrap();
            let allowed = MAY_BE_UNSAFE.iter().any(|prefix| name.starts_with(prefix));
            if !allowed && text.lines().any(|line| line.contains("unsafe {")) {
                problems.push(format!("{name}: contains unsafe code"));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                found.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What lies in `images/examples` goes into the image.
#[test]
fn nothing_but_configurations_lies_among_the_examples() {
    for entry in fs::read_dir(root().join("images/examples")).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.extension().is_some_and(|end| end == "xml"), "{}", path.display());
    }
}
