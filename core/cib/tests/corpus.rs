//! Every document of the scheduler corpus is read, written back the same, and found valid, except
//! for those listed with a reason.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]
#![expect(clippy::print_stdout, reason = "what was skipped is said")]

use diarch_cib::xml::Document;
use diarch_cib::{patch, validate};
use std::fs;
use std::path::PathBuf;

fn corpus() -> Option<Vec<(String, String)>> {
    let folder = std::env::var_os("PACEMAKER_CTS_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cts"),
        PathBuf::from,
    );
    let entries = fs::read_dir(folder.join("xml")).ok()?;
    let mut all: Vec<(String, String)> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    Some(all)
}

#[test]
fn every_document_round_trips() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus");
        return;
    };
    for (name, text) in &corpus {
        let document = Document::parse(text).unwrap();
        let written = document.write();
        let again = Document::parse(&written).unwrap();
        assert_eq!(again.write(), written, "{name}");
        assert_eq!(document.compacted().write(), written, "{name}");
    }
    println!("{} documents round-trip", corpus.len());
}

#[test]
fn a_patch_between_any_two_neighbours_makes_the_second_of_the_first() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus");
        return;
    };
    for pair in corpus.windows(2) {
        let (mut old, new) =
            (Document::parse(&pair[0].1).unwrap(), Document::parse(&pair[1].1).unwrap());
        if let Some(made) = patch::make(&old, &new) {
            let made = Document::parse(&made.write()).unwrap();
            patch::apply(&mut old, made.root(), false).unwrap();
            assert_eq!(old.write(), new.write(), "{} to {}", pair[0].0, pair[1].0);
        }
    }
}

#[test]
fn every_document_is_valid_or_listed_with_a_reason() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus");
        return;
    };
    let listed: Vec<&str> = include_str!("invalid.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut unexpected = Vec::new();
    for (name, text) in &corpus {
        let findings = validate::check(&Document::parse(text).unwrap());
        match findings.first() {
            Some(finding) if !listed.contains(&name.as_str()) => {
                unexpected.push(format!("{name}: {finding}"));
            }
            None if listed.contains(&name.as_str()) => {
                unexpected.push(format!("{name}: is valid now, take it off the list"));
            }
            Some(_) | None => {}
        }
    }
    assert!(unexpected.is_empty(), "\n{}", unexpected.join("\n"));
}
