//! How long a decision takes, beside Debian's `crm_simulate --profile` on the same inputs in the
//! same run: `cargo bench -p diarch-scheduler --bench pacemaker`.
//!
//! Both are measured in their own process, parsing left out and reported separately. The peer says
//! how long a number of decisions took together, in hundredths of a second; the number is raised
//! until that is fine enough. Its time holds a copy of the parsed document for each decision.
//! `-- --quick` measures a tenth of the corpus, `-- --only WORD` what has WORD in its path.

#![expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]
#![expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]

use diarch_cib::xml::Document;
use diarch_scheduler::{Input, schedule};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The moment that decisions are made for where the input names none.
const NOW: i64 = 1_800_000_000;
/// A decision is repeated for at least this long; the fastest run counts.
const LONG_ENOUGH: Duration = Duration::from_millis(20);
/// At least this many hundredths of a second are asked of the peer for each input.
const PEER_TICKS: f64 = 10.0;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What one input costs.
#[derive(Clone, Debug)]
struct Measured {
    name: String,
    path: PathBuf,
    parse: Duration,
    decide: Duration,
    allocations: u64,
}

fn measure(path: &Path) -> Option<Measured> {
    let text = std::fs::read_to_string(path).ok()?;
    let begun = Instant::now();
    let document = Document::parse(&text).ok()?;
    let parse = begun.elapsed();
    let before = ALLOCATIONS.with(Cell::get);
    black_box(schedule(&document, &Input { now: NOW }));
    let allocations = ALLOCATIONS.with(Cell::get) - before;
    let (start, mut decide) = (Instant::now(), Duration::MAX);
    while start.elapsed() < LONG_ENOUGH {
        let begun = Instant::now();
        black_box(schedule(&document, &Input { now: NOW }));
        decide = decide.min(begun.elapsed());
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Some(Measured { name, path: path.to_owned(), parse, decide, allocations })
}

/// What the peer takes for one decision on `path`; none where there is no peer.
fn peer(path: &Path, folder: &Path) -> Option<Duration> {
    std::fs::create_dir_all(folder).ok()?;
    let place = folder.join(path.file_name()?);
    std::fs::copy(path, &place).ok()?;
    let mut repeat = 10_u32;
    let took = loop {
        let said = Command::new("crm_simulate")
            .arg("--profile")
            .arg(folder)
            .args(["--repeat", &repeat.to_string()])
            .env("LC_ALL", "C")
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let line = said.lines().find(|line| line.contains(" ... "))?;
        let seconds: f64 = line.split(" ... ").nth(1)?.split(' ').next()?.parse().ok()?;
        if seconds * 100.0 >= PEER_TICKS || repeat >= 100_000 {
            break Duration::from_secs_f64(seconds / f64::from(repeat));
        }
        repeat *= if seconds * 100.0 >= PEER_TICKS / 4.0 { 4 } else { 16 };
    };
    std::fs::remove_file(&place).ok()?;
    Some(took)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len().max(1) as f64).exp()
}

/// The slope of `log y` over `log x`: 1 is linear growth.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let over: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    over / logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}

/// A CIB of `resources` stopped primitives on `nodes` nodes, every fourth pair of them ordered and
/// colocated.
fn generated(nodes: usize, resources: usize) -> String {
    let mut text = String::from(
        "<cib validate-with=\"pacemaker-3.9\" epoch=\"1\" num_updates=\"0\" admin_epoch=\"0\" \
         have-quorum=\"1\" dc-uuid=\"1\"><configuration><crm_config><cluster_property_set id=\"o\">\
         <nvpair id=\"o-s\" name=\"stonith-enabled\" value=\"false\"/></cluster_property_set>\
         </crm_config><nodes>",
    );
    let mut write = |line: std::fmt::Arguments<'_>| text.write_fmt(line).is_ok();
    for node in 1..=nodes {
        write(format_args!("<node id=\"{node}\" uname=\"node{node}\"/>"));
    }
    write(format_args!("</nodes><resources>"));
    for number in 0..resources {
        write(format_args!(
            "<primitive id=\"r{number}\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">\
             <operations><op id=\"r{number}-m\" name=\"monitor\" interval=\"10s\"/></operations>\
             </primitive>"
        ));
    }
    write(format_args!("</resources><constraints>"));
    for number in (4..resources).step_by(4) {
        let with = number - 1;
        write(format_args!(
            "<rsc_colocation id=\"c{number}\" rsc=\"r{number}\" with-rsc=\"r{with}\" \
             score=\"INFINITY\"/><rsc_order id=\"o{number}\" first=\"r{with}\" then=\"r{number}\"/>"
        ));
    }
    write(format_args!("</constraints></configuration><status>"));
    for node in 1..=nodes {
        write(format_args!(
            "<node_state id=\"{node}\" uname=\"node{node}\" in_ccm=\"true\" crmd=\"online\" \
             join=\"member\" expected=\"member\"><lrm id=\"{node}\"><lrm_resources/></lrm>\
             </node_state>"
        ));
    }
    write(format_args!("</status></cib>"));
    text
}

fn corpus() -> Vec<PathBuf> {
    let named = std::env::var_os("PACEMAKER_CTS_DIR").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cts");
    let folder = named.into_iter().chain([beside]).find(|path| path.join("xml").is_dir());
    let Some(entries) = folder.and_then(|path| std::fs::read_dir(path.join("xml")).ok()) else {
        println!("skipped: no corpus");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Measures and prints each of `paths`; each with the peer's time.
fn table(paths: &[PathBuf], scratch: &Path, each: bool) -> Vec<(Measured, Option<Duration>)> {
    let mut said = Instant::now();
    let mut rows = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let Some(own) = measure(path) else {
            println!("{}: cannot be read", path.display());
            continue;
        };
        let theirs = peer(&own.path, &scratch.join("input"));
        if each {
            let ratio = theirs.map_or(f64::NAN, |theirs| micros(theirs) / micros(own.decide));
            println!(
                "{:<24} parse {:>9.1} us  decide {:>9.1} us, {:>7} allocations  \
                 Pacemaker {:>10.1} us  ratio {:>6.1}",
                own.name,
                micros(own.parse),
                micros(own.decide),
                own.allocations,
                theirs.map_or(f64::NAN, micros),
                ratio
            );
        } else if said.elapsed() > Duration::from_secs(2) {
            said = Instant::now();
            println!("  … {} of {}: {}", number + 1, paths.len(), own.name);
        }
        rows.push((own, theirs));
    }
    rows
}

fn summary(what: &str, rows: &[(Measured, Option<Duration>)]) {
    let mut ratios: Vec<(f64, &str)> = rows
        .iter()
        .filter_map(|(own, theirs)| Some((micros((*theirs)?) / micros(own.decide), &*own.name)))
        .collect();
    ratios.sort_by(|one, other| one.0.total_cmp(&other.0));
    let values: Vec<f64> = ratios.iter().map(|(ratio, _)| *ratio).collect();
    if let (Some(worst), Some(best)) = (ratios.first(), ratios.last()) {
        println!(
            "{what}: {} inputs; Pacemaker's time over diarch's: geometric mean {:.1}, worst {:.1} \
             ({}), best {:.1} ({})",
            values.len(),
            geometric_mean(&values),
            worst.0,
            worst.1,
            best.0,
            best.1
        );
    }
    let parsing: Duration = rows.iter().map(|(own, _)| own.parse).sum();
    let deciding: Duration = rows.iter().map(|(own, _)| own.decide).sum();
    println!(
        "{what}: parsing {:.1} ms and deciding {:.1} ms in all",
        parsing.as_secs_f64() * 1e3,
        deciding.as_secs_f64() * 1e3
    );
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments.iter().position(|argument| argument == "--only");
    let only = only.and_then(|at| arguments.get(at + 1)).map_or("", String::as_str);
    let wanted = |path: &PathBuf| path.to_string_lossy().contains(only);
    let scratch = std::env::temp_dir().join(format!("diarch-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    if Command::new("crm_simulate").arg("--version").output().is_err() {
        println!("skipped: Pacemaker's times: no crm_simulate (package pacemaker-cli-utils)");
    }
    let mut paths = Vec::new();
    let two_nodes = [10, 30, 100, 300, 1000].map(|resources| (2, resources));
    for (nodes, resources) in two_nodes.into_iter().chain([4, 8, 16, 32].map(|nodes| (nodes, 100)))
    {
        let path = scratch.join(format!("{nodes}-nodes-{resources}.xml"));
        std::fs::write(&path, generated(nodes, resources))?;
        paths.push(path);
    }
    if !only.is_empty() {
        paths.extend(corpus());
        paths.retain(wanted);
        table(&paths, &scratch, true);
        return std::fs::remove_dir_all(&scratch);
    }
    let rows = table(&paths, &scratch, true);
    let growth: Vec<(f64, f64)> = two_nodes
        .iter()
        .zip(&rows)
        .map(|((_, resources), (own, _))| (*resources as f64, micros(own.decide)))
        .collect();
    println!("growth with the number of resources on two nodes: exponent {:.2}", exponent(&growth));
    summary("generated", &rows);
    let mut cases = corpus();
    if quick {
        cases = cases.into_iter().step_by(10).collect();
    }
    if !cases.is_empty() {
        summary("corpus", &table(&cases, &scratch, false));
    }
    std::fs::remove_dir_all(&scratch)
}
