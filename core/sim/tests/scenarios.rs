//! Named scenarios: each claims what the pair does about one fault.

use core::time::Duration;
use diarch_cluster::config::NodeIndex::{self, First, Second};
use diarch_cluster::guardian::Mutation;
use diarch_cluster::view::{Peer, Proof, Refusal, Report};
use diarch_sim::checker::Violation;
use diarch_sim::disk::Path;
use diarch_sim::fault::{Bmc, CUT, Fault};
use diarch_sim::network::Direction;
use diarch_sim::node::KeyFile;
use diarch_sim::world::{NEW, OLD, Setup, World};
use diarch_watchdog::sbd::mailbox::Mailbox;
use diarch_watchdog::sbd::mailbox_sector;
use diarch_watchdog::sbd::message::Command;
use diarch_watchdog::sbd::name::Name;

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

fn pair(setup: Setup) -> World {
    let mut world = World::new(setup);
    world.power_up(First, MS(10));
    world.power_up(Second, MS(200));
    world.run_for(S(5));
    assert_eq!(world.active(), [true, false]);
    for node in [First, Second] {
        assert!(is_member(&world, node), "{:?}", world.view(node));
    }
    world
}

fn seeded(seed: u64) -> World {
    pair(Setup { seed, ..Setup::default() })
}

fn is_member(world: &World, node: NodeIndex) -> bool {
    world.view(node).is_some_and(|view| matches!(view.peer, Peer::Member { .. }))
}

fn strike(world: &mut World, fault: Fault, then: Duration) {
    world.inject(fault, Duration::ZERO);
    world.run_for(then);
}

fn holds(world: &World) {
    assert_eq!(world.checker.violation, None);
}

#[test]
fn power_cut_moves_the_service_within_the_budget() {
    for seed in 0..20 {
        let mut world = seeded(seed);
        strike(&mut world, Fault::PowerCut(First, S(60)), MS(3100));
        holds(&world);
        assert_eq!(world.active(), [false, true], "seed {seed}");
        assert!(world.figures.failovers_us[0] < 3_000_000);
    }
}

#[test]
fn power_read_back_as_off_moves_the_service_within_a_second() {
    for seed in 0..20 {
        let mut world = pair(Setup { seed, power_switch: true, ..Setup::default() });
        strike(&mut world, Fault::PowerCut(First, S(60)), MS(1100));
        holds(&world);
        assert_eq!(world.active(), [false, true], "seed {seed}");
        assert_eq!(world.proof(Second), Some(Proof::PowerOff));
    }
}

#[test]
fn a_panicked_node_that_boots_quickly_proves_its_own_death() {
    let mut world = seeded(1);
    strike(&mut world, Fault::Crash(First, MS(900)), MS(2000));
    holds(&world);
    assert!(world.figures.failovers_us[0] < 1_500_000);
    assert!(is_member(&world, First) && is_member(&world, Second));
}

#[test]
fn a_node_paused_beyond_its_watchdog_is_reset_and_comes_back_as_a_member() {
    for seed in 0..20 {
        let mut world = seeded(seed);
        strike(&mut world, Fault::Pause(First, S(8)), S(20));
        holds(&world);
        assert_eq!(world.active(), [false, true], "seed {seed}");
        assert!(is_member(&world, First) && is_member(&world, Second));
    }
}

#[test]
fn a_short_pause_costs_nothing() {
    for seed in 0..20 {
        let mut world = seeded(seed);
        for _ in 0..10 {
            strike(&mut world, Fault::Pause(First, MS(240)), S(1));
            strike(&mut world, Fault::Pause(Second, MS(240)), S(1));
        }
        holds(&world);
        assert_eq!(world.figures.ended, 0);
        assert_eq!(world.active(), [true, false]);
    }
}

#[test]
fn all_links_cut_leave_exactly_one_survivor_and_it_is_the_one_with_the_service() {
    for seed in 0..100 {
        let disks = 1 + usize::try_from(seed % 3).unwrap();
        let mut world = pair(Setup { seed, disks, ..Setup::default() });
        strike(&mut world, Fault::Links(CUT), S(12));
        holds(&world);
        assert_eq!(world.active(), [true, false], "seed {seed}");
        assert_eq!(world.figures.ended, 1, "seed {seed}");
        let refusal = world.view(Second).and_then(|view| view.refusal);
        assert_eq!(refusal, Some(Refusal::Quarantined), "seed {seed}");
        strike(&mut world, Fault::HealLinks, S(5));
        assert!(is_member(&world, First) && is_member(&world, Second));
    }
}

#[test]
fn one_way_loss_of_all_links_leaves_one_survivor() {
    for seed in 0..50 {
        let mut world = seeded(seed);
        for link in 0..2 {
            let sender = Some(if seed % 2 == 0 { First } else { Second });
            world.inject(Fault::Link { link, sender, state: CUT }, Duration::ZERO);
        }
        world.run_for(S(12));
        holds(&world);
        assert_eq!(world.active(), [true, false], "seed {seed}");
        assert_eq!(world.figures.ended, 1, "seed {seed}");
    }
}

#[test]
fn one_link_of_two_is_only_reported() {
    let mut world = seeded(3);
    strike(&mut world, Fault::Link { link: 0, sender: None, state: CUT }, S(10));
    holds(&world);
    assert_eq!(world.figures.ended, 0);
    assert_eq!(world.view(First).map(|view| view.links_up), Some(0b10));
    strike(&mut world, Fault::HealLinks, S(2));
    assert_eq!(world.view(Second).map(|view| view.links_up), Some(0b11));
}

#[test]
fn a_lost_disk_kills_nobody_who_sees_the_peer() {
    for path in [Path::Gone, Path::Stuck, Path::Slow] {
        let mut world = seeded(4);
        for node in [First, Second] {
            world.inject(Fault::Disk { disk: 0, node, path }, Duration::ZERO);
        }
        world.run_for(S(30));
        holds(&world);
        assert_eq!(world.figures.ended, 0);
        assert_eq!(world.active(), [true, false]);
        let disks_up = u8::from(path == Path::Slow);
        assert_eq!(world.view(First).map(|view| view.disks_up), Some(disks_up));
    }
}

#[test]
fn both_booting_at_once_become_a_pair_and_run_the_service_once() {
    for seed in 0..50 {
        let mut world = World::new(Setup { seed, ..Setup::default() });
        world.power_up(First, MS(10));
        world.power_up(Second, MS(10));
        world.run_for(MS(1000));
        holds(&world);
        assert!(is_member(&world, First) && is_member(&world, Second), "seed {seed}");
        assert_eq!(world.active(), [true, false], "seed {seed}");
    }
}

#[test]
fn both_booting_at_once_without_links_leave_one_running() {
    for seed in 0..50 {
        let mut world = World::new(Setup { seed, ..Setup::default() });
        world.network.links.fill([CUT; 2]);
        world.power_up(First, MS(10));
        world.power_up(Second, MS(30));
        world.run_for(S(12));
        holds(&world);
        let active = world.active();
        assert!(active[0] != active[1], "seed {seed}: {active:?}");
        assert_eq!(world.figures.ended, 0, "seed {seed}: nothing ran, nothing had to die");
    }
}

#[test]
fn after_a_blackout_of_the_pair_either_may_start_alone() {
    for alone in [First, Second] {
        let mut world = seeded(6);
        strike(&mut world, Fault::Blackout(S(600), S(600)), S(1));
        world.power_up(alone, MS(10));
        world.run_for(S(6));
        holds(&world);
        assert!(world.active()[alone.index()], "{:?}", world.view(alone));
    }
}

#[test]
fn after_a_blackout_of_a_survivor_only_the_survivor_may_start_alone() {
    let survivor_alone = || {
        let mut world = seeded(7);
        strike(&mut world, Fault::PowerCut(Second, S(600)), S(8));
        strike(&mut world, Fault::PowerCut(First, S(600)), S(1));
        world
    };
    let mut world = survivor_alone();
    world.power_up(Second, MS(10));
    world.run_for(S(30));
    holds(&world);
    assert_eq!(world.active(), [false, false]);
    let refusal = world.view(Second).and_then(|view| view.refusal);
    assert_eq!(refusal, Some(Refusal::Quarantined), "a reset waited in its mailbox");
    world.report(Second, Report::Confirmed);
    world.run_for(S(1));
    assert_eq!(world.active(), [false, true], "the operator has confirmed");

    let mut world = survivor_alone();
    world.power_up(First, MS(10));
    world.run_for(S(6));
    holds(&world);
    assert_eq!(world.active(), [true, false]);
    assert_eq!(world.proof(First), Some(Proof::LastOwner));
}

#[test]
fn a_clean_leave_hands_over_at_once() {
    let mut world = seeded(8);
    strike(&mut world, Fault::Leave(First, S(600)), MS(400));
    holds(&world);
    assert_eq!(world.active(), [false, true]);
    assert_eq!(world.proof(Second), Some(Proof::LeftCleanly));
    assert!(world.figures.failovers_us[0] < 200_000);
}

#[test]
fn a_killed_manager_is_restarted_and_the_service_goes_on() {
    let mut world = seeded(9);
    strike(&mut world, Fault::KillManager(First), S(5));
    holds(&world);
    assert_eq!(world.active(), [true, false]);
    assert_eq!(world.figures.ended, 0);
    strike(&mut world, Fault::HangManager(First), S(10));
    holds(&world);
    assert_eq!(world.active(), [true, false]);
    assert_eq!(world.figures.ended, 0);
}

#[test]
fn a_manager_that_cannot_be_brought_back_costs_the_node_that_runs_the_service() {
    let mut world = seeded(10);
    for _ in 0..3 {
        strike(&mut world, Fault::KillManager(First), MS(1200));
    }
    world.run_for(S(6));
    holds(&world);
    assert_eq!(world.active(), [false, true]);
}

#[test]
fn a_fence_request_ends_a_visible_peer_and_is_answered_by_proof() {
    for seed in 0..20 {
        let mut world = seeded(seed);
        let view = world.view(Second).unwrap();
        let Peer::Member { boot } = view.peer else { panic!("{view:?}") };
        world.checker.essential.push(world.now_us());
        world.report(Second, Report::Fence { request: 1, target: Some(boot), off: false });
        world.run_for(S(1));
        assert!(!world.active()[0], "seed {seed}: the target ends at once");
        world.run_for(S(5));
        holds(&world);
        assert_eq!(world.active(), [false, true], "seed {seed}");
        assert_eq!(world.figures.ended, 1);
    }
}

#[test]
fn a_stale_fence_request_hits_nobody() {
    let mut world = seeded(11);
    let target = Some(diarch_cluster::view::BootId(12345));
    world.report(Second, Report::Fence { request: 1, target, off: false });
    world.run_for(S(5));
    holds(&world);
    assert_eq!(world.figures.ended, 0);
}

#[test]
fn a_message_of_sbds_own_tool_is_obeyed() {
    let mut world = seeded(12);
    let from = Name::truncated("operator");
    let mut sector = vec![0; 512];
    Mailbox::message(Command::Reset, from).record().fill(&mut sector);
    world.disks[0].write(mailbox_sector(1), &sector);
    world.checker.essential.push(world.now_us());
    world.run_for(MS(1300));
    assert_eq!(world.figures.ended, 1);
    world.run_for(S(10));
    holds(&world);
    assert!(is_member(&world, First) && is_member(&world, Second));
    assert_eq!(world.figures.ended, 1, "an order is carried out once");
}

#[test]
fn without_a_disk_a_silent_peer_is_replaced_on_proof_of_power_only() {
    let setup = Setup { disks: 0, ..Setup::default() };
    let mut world = pair(setup);
    strike(&mut world, Fault::PowerCut(First, S(600)), S(30));
    assert_eq!(world.active(), [false, false], "no proof, no takeover");
    world.report(Second, Report::Confirmed);
    world.run_for(S(1));
    holds(&world);
    assert_eq!(world.active(), [false, true]);

    let mut world = pair(Setup { power_switch: true, ..setup });
    strike(&mut world, Fault::Links(CUT), S(3));
    holds(&world);
    assert_eq!(world.active(), [true, false], "the heavier node shoots first");
}

#[test]
fn thirty_percent_loss_on_both_links_is_no_reason_to_die() {
    let mut lossy = CUT;
    lossy.cut = false;
    lossy.loss_permille = 300;
    for seed in 0..5 {
        let mut world = seeded(seed);
        strike(&mut world, Fault::Links(lossy), S(600));
        holds(&world);
        assert_eq!(world.figures.ended, 0, "seed {seed}");
    }
}

#[test]
fn a_bmc_that_is_dead_or_reads_on_leaves_the_proof_to_the_watchdog() {
    for bmc in [Bmc::Dead, Bmc::ClaimsOn] {
        for seed in 0..20 {
            let mut world = pair(Setup { seed, power_switch: true, ..Setup::default() });
            world.inject(Fault::Bmc(First, bmc), Duration::ZERO);
            strike(&mut world, Fault::PowerCut(First, S(60)), MS(3100));
            holds(&world);
            assert_eq!(world.active(), [false, true], "{bmc:?}, seed {seed}");
            let proof = world.proof(Second);
            assert!(matches!(proof, Some(Proof::WatchdogExpired { .. })), "{bmc:?}: {proof:?}");
        }
    }
}

/// An order that a BMC carries out seconds late may hit the next boot, again and again as long as
/// the BMC is slow: that costs boots, and never makes two writers.
#[test]
fn a_slow_bmc_delays_nothing_beyond_the_watchdog_and_its_late_word_makes_no_two_writers() {
    for seed in 0..50 {
        let mut world = pair(Setup { seed, power_switch: true, ..Setup::default() });
        world.inject(Fault::Bmc(First, Bmc::Slow), Duration::ZERO);
        strike(&mut world, Fault::PowerCut(First, S(4)), MS(3100));
        assert_eq!(world.active(), [false, true], "seed {seed}");
        world.run_for(S(25));
        strike(&mut world, Fault::HealAll, S(30));
        holds(&world);
        assert!(is_member(&world, First) && is_member(&world, Second), "seed {seed}");
    }
}

/// Outside what is promised: *off* read back is proof by itself. That the checker sees the false
/// proof shows that it would see any other.
#[test]
fn a_bmc_that_reads_off_while_the_machine_runs_is_believed_and_the_checker_sees_it() {
    let mut world = pair(Setup { seed: 13, power_switch: true, ..Setup::default() });
    world.inject(Fault::Bmc(First, Bmc::ClaimsOff), Duration::ZERO);
    strike(&mut world, Fault::Pause(First, S(8)), S(4));
    assert_eq!(world.checker.violation, Some(Violation::FalseProof(Second, Proof::PowerOff)));
}

#[test]
fn a_bmc_that_reads_off_of_a_peer_in_sight_is_not_believed() {
    for seed in 0..20 {
        let mut world = pair(Setup { seed, power_switch: true, ..Setup::default() });
        let view = world.view(Second).unwrap();
        let Peer::Member { boot } = view.peer else { panic!("{view:?}") };
        world.report(Second, Report::PowerIsOff { target: Some(boot) });
        world.run_for(S(5));
        holds(&world);
        assert!(is_member(&world, First) && is_member(&world, Second), "seed {seed}");
        assert_eq!(world.active(), [true, false], "seed {seed}");
    }
}

#[test]
fn a_disk_that_loses_what_it_acknowledges_decides_nothing() {
    for seed in 0..100 {
        let mut world = seeded(seed);
        for node in [First, Second] {
            world.inject(Fault::Loses { disk: 0, node, loses: true }, Duration::ZERO);
        }
        world.inject(Fault::Links(CUT), MS(seed * 10));
        world.run_for(S(15));
        holds(&world);
        assert_ne!(world.active(), [true, true], "seed {seed}");
        let down = [First, Second].map(|node| world.proof(node));
        assert_eq!(down, [None, None], "seed {seed}: nobody wins on such a disk");
        strike(&mut world, Fault::HealAll, S(30));
        world.check_healed();
        holds(&world);
    }
}

#[test]
fn one_disk_of_three_that_loses_writes_changes_nothing() {
    for seed in 0..50 {
        let mut world = pair(Setup { seed, disks: 3, ..Setup::default() });
        let disk = usize::try_from(seed % 3).unwrap();
        for node in [First, Second] {
            world.inject(Fault::Loses { disk, node, loses: true }, Duration::ZERO);
        }
        strike(&mut world, Fault::Links(CUT), S(12));
        holds(&world);
        assert_eq!(world.active(), [true, false], "seed {seed}");
        assert_eq!(world.figures.ended, 1, "seed {seed}");
    }
}

#[test]
fn boots_in_either_order_after_any_gap_end_as_a_pair_with_one_service() {
    for seed in 0..120 {
        let mut world = World::new(Setup { seed, ..Setup::default() });
        let first = if seed % 2 == 0 { First } else { Second };
        world.power_up(first, MS(10));
        world.power_up(first.other(), MS(10 + seed * 100));
        world.run_for(S(20));
        holds(&world);
        world.check_healed();
        holds(&world);
        assert_eq!(world.figures.ended, 0, "seed {seed}: nothing failed");
    }
}

/// The first node came back from a blackout while the second one contested, and the proposal that
/// this broke off won the next contest for a node that had just died.
#[test]
fn a_claim_broken_off_by_a_return_costs_nobody_later() {
    let outcome = diarch_sim::run::wide(6720, Mutation::default(), false);
    assert!(outcome.violation.is_none(), "{:?}", outcome.violation);
}

const BOTH_KEYS: KeyFile = KeyFile { key: OLD, next: Some(NEW) };
const OLD_KEY: KeyFile = KeyFile { key: OLD, next: None };
const NEW_KEY: KeyFile = KeyFile { key: NEW, next: None };

/// Writes a key file and lets the pair live with it.
fn write_keys(world: &mut World, node: NodeIndex, file: KeyFile) {
    world.write_keys(node, file, Duration::ZERO);
    world.run_for(S(1));
    for node in [First, Second] {
        assert!(is_member(world, node), "{:?}", world.view(node));
    }
}

fn told(world: &World, what: &str) -> usize {
    world.story.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn a_key_is_exchanged_while_the_peer_stays_in_sight() {
    let mut world = pair(Setup { verbose: true, ..Setup::default() });
    for (node, file) in
        [(First, BOTH_KEYS), (Second, BOTH_KEYS), (Second, NEW_KEY), (First, NEW_KEY)]
    {
        write_keys(&mut world, node, file);
    }
    holds(&world);
    assert_eq!(world.active(), [true, false]);
    assert_eq!(told(&world, "PeerJoined"), 2, "neither lost the other: {:#?}", world.story);
    assert_eq!(told(&world, "FrameDropped"), 0, "not one frame was lost: {:#?}", world.story);
    assert_eq!(told(&world, "KeyUsed { newest: true }"), 2);
    assert_eq!(told(&world, "KeysTaken { two: false }"), 2);
}

#[test]
fn a_key_that_the_peer_still_uses_cannot_be_taken_away() {
    let mut world = pair(Setup { verbose: true, ..Setup::default() });
    write_keys(&mut world, First, BOTH_KEYS);
    write_keys(&mut world, First, NEW_KEY);
    assert_eq!(told(&world, "KeysRefused"), 1);
    write_keys(&mut world, Second, BOTH_KEYS);
    write_keys(&mut world, First, NEW_KEY);
    assert_eq!((told(&world, "KeysRefused"), told(&world, "PeerSilent")), (1, 0));
    holds(&world);
}

#[test]
fn a_node_that_boots_amid_an_exchange_is_understood_by_whoever_has_one_of_its_keys() {
    for (there, here) in [
        (OLD_KEY, BOTH_KEYS),
        (BOTH_KEYS, OLD_KEY),
        (NEW_KEY, BOTH_KEYS),
        (BOTH_KEYS, NEW_KEY),
        (BOTH_KEYS, KeyFile { key: NEW, next: Some(OLD) }),
    ] {
        let mut world = World::new(Setup { disks: 0, verbose: true, ..Setup::default() });
        world.write_keys(First, there, Duration::ZERO);
        world.write_keys(Second, here, Duration::ZERO);
        world.power_up(First, MS(10));
        world.power_up(Second, MS(200));
        world.run_for(S(5));
        for node in [First, Second] {
            assert!(is_member(&world, node), "{there:?} {here:?}: {:#?}", world.story);
        }
        strike(&mut world, Fault::Crash(Second, S(1)), S(8));
        assert!(is_member(&world, First) && is_member(&world, Second), "{:#?}", world.story);
    }
}

/// The service's node loses its manager for good; `hangs` says whether its reset does, too.
fn lose_manager(seed: u64, mutation: Mutation, hangs: bool) -> World {
    let mut world = pair(Setup { seed, mutation, verbose: true, ..Setup::default() });
    if hangs {
        strike(&mut world, Fault::ResetHangs(First), Duration::ZERO);
    }
    strike(&mut world, Fault::BreakManager(First), S(8));
    world
}

#[test]
fn last_words_start_the_claim_at_once_and_are_no_proof() {
    for seed in 0..20 {
        for hangs in [false, true] {
            let world = lose_manager(seed, Mutation::None, hangs);
            holds(&world);
            assert_eq!(world.active(), [false, true], "{:#?}", world.story);
            let at = |what: &str| {
                let line = world.story.iter().find(|line| line.contains(what));
                let line = line.unwrap_or_else(|| panic!("no {what}: {:#?}", world.story));
                line.split_whitespace().next().unwrap().parse::<f64>().unwrap()
            };
            let dying = at("PeerDying { reason: Some(ManagerLost) }");
            // No token's time passes before the claim is opened, none is saved before the proof.
            assert!(at("ClaimOpened") - dying < 0.05, "{:#?}", world.story);
            let rebooted = told(&world, "PeerDown(Rebooted") > 0;
            assert!(rebooted || at("PeerDown(WatchdogExpired") - dying > 2.0, "{:#?}", world.story);
        }
    }
}

#[test]
fn a_promise_taken_for_proof_makes_two_writers_where_a_reset_hangs() {
    let world = lose_manager(0, Mutation::PromiseBelieved, true);
    assert!(
        matches!(world.checker.violation, Some(Violation::FalseProof(Second, _))),
        "{:?}",
        world.checker.violation
    );
}

#[test]
fn last_words_that_are_lost_cost_only_time() {
    let mut world = pair(Setup::default());
    strike(&mut world, Fault::Links(CUT), Duration::ZERO);
    strike(&mut world, Fault::BreakManager(First), S(2));
    strike(&mut world, Fault::HealLinks, S(15));
    holds(&world);
    assert!(world.active()[0] != world.active()[1]);
}

#[test]
fn a_link_that_carries_one_way_only_is_named_with_the_way_on_both_nodes() {
    let mut world = pair(Setup { verbose: true, ..Setup::default() });
    strike(&mut world, Fault::Link { link: 0, sender: Some(First), state: CUT }, S(3));
    holds(&world);
    assert_eq!(told(&world, "head-a: LinkOneWay { link: 0, comes_in: true }"), 1);
    assert_eq!(told(&world, "head-b: LinkOneWay { link: 0, comes_in: false }"), 1);
    strike(&mut world, Fault::HealLinks, S(1));
    strike(&mut world, Fault::Link { link: 1, sender: None, state: CUT }, S(3));
    assert_eq!(told(&world, "OneWay"), 2, "a link that is cut both ways: {:#?}", world.story);
}

#[test]
fn late_frames_are_named_and_a_healthy_link_has_none() {
    let mut world = pair(Setup { verbose: true, ..Setup::default() });
    world.run_for(S(60));
    strike(&mut world, Fault::Pause(First, MS(220)), S(5));
    assert_eq!(told(&world, "head-a: FrameLate"), 0, "its own sleep: {:#?}", world.story);
    let state = Direction { jitter: MS(180), ..Direction::default() };
    strike(&mut world, Fault::Link { link: 1, sender: Some(Second), state }, S(10));
    assert!(told(&world, "head-a: FrameLate { link: 1, ") > 0, "{:#?}", world.story);
    assert_eq!(told(&world, "FrameLate { link: 0, "), 0, "{:#?}", world.story);
    holds(&world);
}

#[test]
fn power_read_back_as_off_says_nothing_of_a_boot_that_won_the_claim_since() {
    for seed in 0..20 {
        let mut world = pair(Setup { seed, power_switch: true, ..Setup::default() });
        strike(&mut world, Fault::Disk { disk: 0, node: Second, path: Path::Gone }, S(2));
        strike(&mut world, Fault::PowerCut(First, S(4)), S(2));
        assert_eq!(world.proof(Second), Some(Proof::PowerOff));
        strike(&mut world, Fault::Links(CUT), S(8));
        assert_eq!(world.active(), [true, false], "the first node is back, unheard");
        strike(&mut world, Fault::HealDisks, S(10));
        holds(&world);
        assert_eq!(world.active().iter().filter(|active| **active).count(), 1);
        strike(&mut world, Fault::HealAll, S(30));
        world.check_healed();
        holds(&world);
    }
}
