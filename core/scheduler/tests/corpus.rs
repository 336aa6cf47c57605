//! Conformance: upstream's scheduler cases, in process: graph, scores, summary and drawing.
//!
//! Cases named in `known.txt` are expected to differ; one that does not any more fails the test,
//! as does one that differs without being named. After ` ;` stands the cause.

#![expect(clippy::print_stdout, reason = "the totals are the test's report")]

use diarch_cib::xml::{Document, Element};
use diarch_scheduler::summary::{self, Outline, Show};
use diarch_scheduler::{Input, Plan, graph, read, schedule, simulate};
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

/// What `diff` calls equal where blanks do not count.
fn lines(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.starts_with("Using the") && !line.starts_with("Setting effective"))
        .map(|line| line.split_whitespace().collect::<String>())
        .filter(|line| !line.is_empty())
        .collect()
}

fn list(title: &str, items: &[String]) -> String {
    let mut out = Outline::default();
    out.open(title);
    for item in items {
        out.item(item);
    }
    out.finish()
}

/// A what-if run as it is printed: before, what is done, after.
fn printed(document: &Document, plan: &Plan<'_>, now: i64) -> String {
    let show = Show::everything_that_runs();
    let input = Input { now };
    let before = read(document, &input);
    let mut after = document.clone();
    let outcome = simulate::run(&plan.tables, &plan.graph, &[], &mut after);
    let revised = simulate::read_after(&after, &input);
    [
        summary::untouchable(&before),
        summary::status(&before, "Current cluster status", &show),
        list("Transition Summary", &summary::transition(&plan.tables)),
        list("Executing Cluster Transition", &outcome.lines),
        summary::status(&revised, "Revised Cluster Status", &show),
    ]
    .concat()
}

/// When a case is run for: a date of its own, when it was recorded, or some later time.
fn now_for(name: &str, document: &Document) -> i64 {
    let recorded = document.root().attribute("execution-date");
    match (name, recorded.and_then(|text| text.parse().ok())) {
        ("date-1", _) => 1_106_179_200,
        ("date-3", _) => 1_106_220_600,
        ("origin", _) => 1_399_422_480,
        (_, Some(recorded)) => recorded,
        (_, None) => 1_800_000_000,
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
    if want != have {
        println!("==== {name} {what}");
    }
    for line in want.iter().filter(|line| !have.contains(line)) {
        println!("- {line}");
    }
    for line in have.iter().filter(|line| !want.contains(line)) {
        println!("+ {line}");
    }
    let mut sorted = [want.to_vec(), have.to_vec()];
    sorted.iter_mut().for_each(|lines| lines.sort());
    if sorted[0] == sorted[1] {
        let moved = want.iter().zip(have).filter(|(want, have)| want != have);
        for (want, have) in moved {
            println!("~ {want} for {have}");
        }
    }
}

/// The verdict's parts, in the order that they are printed in.
const PARTS: [&str; 4] = ["graph", "scores", "summary", "dot"];

/// What a case should give and what it gives, part by part.
fn compare(corpus: &Path, name: &str) -> Option<[[Vec<String>; 2]; 4]> {
    let expected = |kind: &str| {
        std::fs::read_to_string(corpus.join(kind).join(format!("{name}.{kind}")))
            .unwrap_or_default()
    };
    let document = Document::parse(&expected("xml")).ok()?;
    let now = now_for(name, &document);
    let (plan, _) = schedule(&document, &Input { now });
    let sorted = |text: &str| {
        let mut lines = lines(text);
        lines.sort();
        lines.dedup();
        lines
    };
    let drawing = summary::drawing(&plan.tables, &plan.graph, false);
    Some([
        [canonical(&expected("exp"))?, canonical(&graph::write(&plan.graph)).unwrap_or_default()],
        [scores(&expected("scores")), scores(&plan.tables.score_lines.join("\n"))],
        [lines(&expected("summary")), lines(&printed(&document, &plan, now))],
        [sorted(&expected("dot")), sorted(&drawing)],
    ])
}

#[test]
fn corpus_cases_give_the_expected_results() {
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
    let mut counts = [0; 4];
    let mut surprises = Vec::new();
    let mut verdicts = String::new();
    for name in &names {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mut wrong = Vec::new();
        let parts = compare(&corpus, name).expect("each case has its input and its graph");
        for (at, [want, have]) in parts.into_iter().enumerate() {
            counts[at] += usize::from(want == have);
            if want != have {
                wrong.push(PARTS[at]);
            }
            if only.is_some() || std::env::var_os("CTS_DIFF").is_some() {
                diff(name, PARTS[at], &want, &have);
            }
        }
        let verdict = wrong.join(",");
        let listed = known.get(name).map_or("", |what| what.as_str());
        let (listed, cause) = listed.split_once(" ;").unwrap_or((listed, ""));
        if !verdict.is_empty() {
            let cause = if cause.is_empty() { String::new() } else { format!(" ;{cause}") };
            verdicts.push_str(&format!("{name} {verdict}{cause}\n"));
        }
        if listed != verdict {
            surprises.push(format!("{name}: listed as '{listed}', is '{verdict}'"));
        }
    }
    let of = names.len();
    let totals: Vec<String> =
        PARTS.iter().zip(counts).map(|(part, count)| format!("{part} {count}/{of}")).collect();
    println!("{}", totals.join(" "));
    if std::env::var_os("CTS_UPDATE").is_some() {
        let head = "# Cases that differ from upstream's expectation, and in what.\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/known.txt");
        std::fs::write(path, format!("{head}{verdicts}")).expect("the list is writable");
        return;
    }
    assert!(only.is_some() || surprises.is_empty(), "{}", surprises.join("\n"));
}
