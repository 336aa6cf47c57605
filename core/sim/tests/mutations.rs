//! The simulator notices every rule that is broken, and nothing where none is.

use diarch_cluster::guardian::Mutation;
use diarch_sim::run::{mixed, wide};

/// Seeds within which a broken rule has to be noticed.
const SEEDS_MAX: u64 = 10_000;

fn check(mutation: Mutation) {
    let caught = (0..SEEDS_MAX).find(|seed| mixed(*seed, mutation, false).violation.is_some());
    assert!(caught.is_some(), "{mutation:?} went unnoticed for {SEEDS_MAX} seeds");
}

#[test]
fn every_promise_holds_when_no_rule_is_broken() {
    for seed in 0..300 {
        let outcome = mixed(seed, Mutation::None, false);
        assert_eq!(outcome.violation, None, "cargo run -p diarch-sim -- --seed {seed}");
    }
}

#[test]
fn a_claim_that_nobody_won_is_noticed() {
    check(Mutation::ClaimSkipped);
}

#[test]
fn a_takeover_without_proof_is_noticed() {
    check(Mutation::ProofSkipped);
}

#[test]
fn feeding_without_health_is_noticed() {
    check(Mutation::FeedWithoutHealth);
}

#[test]
fn belief_in_a_stale_boot_is_noticed() {
    check(Mutation::StaleBootAccepted);
}

#[test]
fn a_skipped_quarantine_is_noticed() {
    check(Mutation::QuarantineSkipped);
}

#[test]
fn a_lease_given_while_contesting_is_noticed() {
    check(Mutation::LeaseNotFrozen);
}

#[test]
fn a_claim_kept_when_joining_is_noticed() {
    check(Mutation::ClaimKeptWhenJoining);
}

#[test]
fn a_wait_that_forgets_the_lease_is_noticed() {
    check(Mutation::LeaseForgotten);
}

#[test]
fn a_promise_taken_for_proof_is_noticed() {
    // Only the wide scenario has machines whose reset hangs.
    let mutation = Mutation::PromiseBelieved;
    let caught = (0..SEEDS_MAX).find(|seed| wide(*seed, mutation, false).violation.is_some());
    assert!(caught.is_some(), "{mutation:?} went unnoticed for {SEEDS_MAX} seeds");
}
