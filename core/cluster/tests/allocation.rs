//! A guardian that has started allocates nothing, whatever it is fed.

use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::config::{Key, NodeIndex, NodeName, PairConfig};
use diarch_cluster::guardian::Guardian;
use diarch_cluster::guardian_io::{DiskFault, Input, Output};
use diarch_cluster::timing::{BUDGET_DEFAULT, Timing};
use diarch_cluster::view::{BootId, Report};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
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

type Mail = heapless::Vec<(usize, u8, heapless::Vec<u8, 1500>), 16>;

#[expect(clippy::unwrap_used, reason = "the default budget is sound")]
fn guardian(local: NodeIndex, boot: u64) -> Guardian {
    let name = |text: &str| NodeName::try_from(text).unwrap_or_default();
    let config = PairConfig {
        cluster_name: name("heads"),
        nodes: [name("head-a"), name("head-b")],
        local,
        links: 2,
        heartbeats_only: 0,
        disks: 1,
        sector_bytes: heapless::Vec::from_iter([512]),
        watchdog: true,
        key: Key([1; 32]),
        next_key: None,
        timing: Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1)).unwrap(),
    };
    Guardian::new(config, BootId(boot), 7, Instant::from_micros(1_000_000))
}

/// Performs everything as a platform would whose disk is broken; frames go into `mail`.
fn perform(guardian: &mut Guardian, to: usize, now: Instant, mail: &mut Mail) -> usize {
    let mut sent = 0;
    while let Some(output) = guardian.poll_output() {
        match output {
            Output::SendFrame { link, frame } => {
                sent += 1;
                assert!(mail.push((to, link, frame)).is_ok(), "more frames than links");
            }
            Output::ReadSector { disk, sector } => {
                let result = Err(DiskFault::Failed);
                guardian.handle_input(now, Input::SectorRead { disk, sector, result });
            }
            Output::ArmWatchdog { timeout } => {
                let effective = Some(timeout);
                guardian.handle_input(now, Input::WatchdogArmed { effective });
            }
            Output::StartManager => guardian.handle_input(now, Input::ManagerStarted),
            Output::WriteSector { .. }
            | Output::FeedWatchdog { .. }
            | Output::DisarmWatchdog
            | Output::KillManager
            | Output::Manager(_)
            | Output::Reset(_)
            | Output::PowerOff(_)
            | Output::Crash(_)
            | Output::Exit
            | Output::Event(_) => {}
        }
    }
    sent
}

#[test]
fn a_started_guardian_allocates_nothing() {
    let mut pair = [guardian(NodeIndex::First, 11), guardian(NodeIndex::Second, 22)];
    let mut mail = Mail::new();
    let mut sent = 0;
    let before = ALLOCATIONS.with(Cell::get);
    for step in 0..600_u64 {
        let now = Instant::from_micros(1_000_000 + step * 25_000);
        for (at, guardian) in pair.iter_mut().enumerate() {
            guardian.handle_timeout(now);
            guardian.handle_input(now, Input::Frame { link: 0, bytes: &[9; 90] });
            let report = Report::Protecting { active: at == 0, weight: 1 };
            guardian.handle_input(now, Input::Manager(report));
            sent += perform(guardian, 1 - at, now, &mut mail);
        }
        // The links are cut in the second half.
        while let Some((to, link, bytes)) = mail.pop() {
            if step < 300 {
                pair[to].handle_input(now, Input::Frame { link, bytes: &bytes });
            }
        }
    }
    assert!(sent > 400, "{sent} frames");
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}
