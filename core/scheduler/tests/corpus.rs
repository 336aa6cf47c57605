//! Conformance: upstream's scheduler cases, graph and scores, in process.
//!
//! Cases named in `known.txt` are expected to differ; one that does not any more fails the test,
//! as does one that differs without being named. After ` ;` stands the cause.

#![expect(clippy::print_stdout, reason = "the totals are the test's report")]

use diarch_cib::xml::{Document, Element};
use diarch_scheduler::{Input, graph, schedule};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("PACEMAKER_CTS_DIR").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let beside = root.join("../shared/cts");
    named.into_iter().chain([beside]).find(|path| path.join("xml").is_dir())
}

fn attributes(element: Element<'_>, but: &[&str]) -> String {
    let mut all: Vec<String> = element
        .attributes()
        .filter(|(name, _)| !but.contains(name))
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    all.sort();
    all.join(" ")
}

fn whole(element: Element<'_>) -> String {
    let mut inner: Vec<String> = element.children().map(whole).collect();
    inner.sort();
    format!("<{} {}>{}", element.name(), attributes(element, &[]), inner.concat())
}

/// A graph with its numbers taken out: one line for each step, sorted.
fn canonical(text: &str) -> Option<Vec<String>> {
    let document = Document::parse(text).ok()?;
    let root = document.root();
    let mut lines = vec![attributes(root, &["batch-limit", "crm_feature_set"])];
    for synapse in root.children_named("synapse") {
        let mut line = format!("{:?} ", synapse.attribute("priority"));
        for action in synapse.children_named("action_set").flat_map(Element::children) {
            let mut inner: Vec<String> = action.children().map(whole).collect();
            inner.sort();
            line.push_str(&format!(
                "{} {} {}",
                action.name(),
                attributes(action, &["id"]),
                inner.concat()
            ));
        }
        let mut inputs: Vec<String> = synapse
            .children_named("inputs")
            .flat_map(Element::children)
            .flat_map(Element::children)
            .map(|at| format!("\n   <- {} {}", at.name(), attributes(at, &["id"])))
            .collect();
        inputs.sort();
        inputs.dedup();
        line.push_str(&inputs.concat());
        lines.push(line);
    }
    lines[1..].sort();
    Some(lines)
}

fn scores(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<String>())
        .filter(|line| !line.is_empty())
        .collect();
    lines.sort();
    lines
}

fn now_for(name: &str) -> i64 {
    // The three cases that are run for a date of their own.
    match name {
        "date-1" => 1_106_179_200,
        "date-2" => 1_106_220_600,
        "date-3" => 1_106_179_200,
        "probe-timeout" => 1_800_000_000,
        _ => 1_800_000_000,
    }
}

fn known() -> BTreeMap<String, String> {
    include_str!("known.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, what)| (name.to_owned(), what.to_owned()))
        .collect()
}

fn diff(name: &str, what: &str, want: &[String], have: &[String]) {
    println!("==== {name} {what}");
    for line in want.iter().filter(|line| !have.contains(line)) {
        println!("- {line}");
    }
    for line in have.iter().filter(|line| !want.contains(line)) {
        println!("+ {line}");
    }
}

#[test]
fn corpus_cases_give_the_expected_graph_and_scores() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus");
        return;
    };
    let only = std::env::var("CTS_ONLY").ok();
    let mut names: Vec<String> = std::fs::read_dir(corpus.join("exp"))
        .expect("the corpus is readable")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".exp").map(str::to_owned))
        .collect();
    names.sort();
    let known = known();
    let (mut graphs, mut score_sets) = (0, 0);
    let mut surprises = Vec::new();
    let mut verdicts = String::new();
    for name in &names {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let read =
            |kind: &str| std::fs::read_to_string(corpus.join(kind).join(format!("{name}.{kind}")));
        let xml = read("xml").expect("each case has its input");
        let expected = read("exp").expect("each case has its graph");
        let want_scores = scores(&read("scores").unwrap_or_default());
        let (mut graph_ok, mut scores_ok) = (false, false);
        if let Ok(document) = Document::parse(&xml) {
            let (plan, _) = schedule(&document, &Input { now: now_for(name) });
            let text = graph::write(&plan.graph);
            let (want, have) = (canonical(&expected), canonical(&text));
            graph_ok = want.is_some() && want == have;
            let have_scores = scores(&plan.tables.score_lines.join("\n"));
            scores_ok = have_scores == want_scores;
            if only.is_some() {
                diff(name, "graph", &want.unwrap_or_default(), &have.unwrap_or_default());
                diff(name, "scores", &want_scores, &have_scores);
            }
        }
        graphs += usize::from(graph_ok);
        score_sets += usize::from(scores_ok);
        let verdict = match (graph_ok, scores_ok) {
            (true, true) => "",
            (true, false) => "scores",
            (false, true) => "graph",
            (false, false) => "graph,scores",
        };
        if !verdict.is_empty() {
            let cause = known.get(name).and_then(|what| what.split_once(" ;"));
            let cause = cause.map_or(String::new(), |(_, cause)| format!(" ;{cause}"));
            verdicts.push_str(&format!("{name} {verdict}{cause}\n"));
        }
        let listed = known.get(name).map_or("", |what| what.as_str());
        let listed = listed.split(" ;").next().unwrap_or(listed);
        if listed != verdict {
            surprises.push(format!("{name}: listed as '{listed}', is '{verdict}'"));
        }
    }
    println!("graph {graphs}/{} scores {score_sets}/{}", names.len(), names.len());
    if std::env::var_os("CTS_UPDATE").is_some() {
        let head = "# Cases that differ from upstream's expectation, and in what.\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/known.txt");
        std::fs::write(path, format!("{head}{verdicts}")).expect("the list is writable");
        return;
    }
    assert!(only.is_some() || surprises.is_empty(), "{}", surprises.join("\n"));
}
