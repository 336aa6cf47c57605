//! The state before the transition, as text, against the corpus.
//!
//! `CTS_UPDATE=1` writes the list of known differences anew.

#![expect(clippy::print_stdout, reason = "the totals are the test's report")]

use diarch_cib::xml::Document;
use diarch_scheduler::summary::{self, Show};
use diarch_scheduler::{Input, read};
use std::path::{Path, PathBuf};

/// Cases whose text differs, with the reason.
const KNOWN: &str = include_str!("status_text_known.txt");

fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("PACEMAKER_CTS_DIR").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let beside = root.join("../shared/cts");
    named.into_iter().chain([beside]).find(|path| path.join("summary").is_dir())
}

/// What counts in a comparison: words, not blanks.
fn words(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<String>());
    lines.filter(|line| !line.is_empty()).collect()
}

fn status_of(document: &Document) -> String {
    let now = document
        .root()
        .attribute("execution-date")
        .and_then(|text| text.parse().ok())
        .unwrap_or(4_000_000_000);
    let tables = read(document, &Input { now });
    let counts = summary::untouchable(&tables);
    let status = summary::status(&tables, "Current cluster status", &Show::everything_that_runs());
    format!("{counts}{status}")
}

/// Writes the list of known differences anew.
fn rewrite(wrong: &[String], known: &[&str]) -> std::io::Result<()> {
    let mut lines: Vec<String> = KNOWN
        .lines()
        .filter(|line| !wrong.iter().any(|name| line.split_whitespace().next() == Some(name)))
        .map(str::to_owned)
        .collect();
    let new = wrong.iter().filter(|name| !known.contains(&name.as_str()));
    lines.extend(new.map(|name| format!("{name} not looked into yet")));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/status_text_known.txt");
    std::fs::write(file, lines.join("\n") + "\n")
}

#[test]
fn the_state_before_the_transition_reads_as_the_corpus_has_it() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus");
        return;
    };
    let (mut same, mut all, mut wrong) = (0, 0, Vec::new());
    let known: Vec<&str> = KNOWN
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for entry in std::fs::read_dir(corpus.join("summary")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = std::fs::read_to_string(&path).unwrap();
        let before = expected.split("Transition Summary:").next().unwrap();
        let before: String = before
            .lines()
            .filter(|line| !line.starts_with("Using the") && !line.starts_with("Setting effective"))
            .map(|line| format!("{line}\n"))
            .collect();
        let input = std::fs::read_to_string(corpus.join(format!("xml/{name}.xml"))).unwrap();
        let actual = status_of(&Document::parse(&input).unwrap());
        all += 1;
        let equal = words(&actual) == words(&before);
        same += usize::from(equal);
        if equal == known.contains(&name.as_str()) {
            wrong.push(name.clone());
        }
        if let Some(folder) = std::env::var_os("STATUS_KEEP").filter(|_| !equal) {
            std::fs::write(PathBuf::from(folder).join(name), actual).unwrap();
        }
    }
    println!("status {same}/{all}");
    wrong.sort_unstable();
    if std::env::var_os("CTS_UPDATE").is_some() {
        rewrite(&wrong, &known).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "better or worse than the list says: {wrong:#?}");
}
