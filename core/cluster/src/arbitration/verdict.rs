//! The truth table: from all evidence to what a node may do.
//!
//! One table is the function, the operators' document ([`text`], `verdict.table.md`) and the
//! test. Rows are tried from the top; the first that matches holds. A row says nothing about
//! evidence that it leaves open.

use crate::guardian_io::SelfFence;
use core::fmt::Write as _;

/// How the peer is in sight.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Sighting {
    /// Both sides hear each other and have agreed to be a pair.
    Pair,
    /// Both sides hear each other, but have not agreed yet.
    Hearing,
    /// Not both sides hear each other.
    Silent,
}

/// How the claim stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Standing {
    /// This node holds it alone.
    Held,
    /// The peer holds it.
    Lost,
    /// It is not decided, and this node may contest it.
    Contestable,
    /// It is not decided, and this node may not contest it: the peer was the last owner.
    Barred,
    /// There is no shared disk to claim on.
    NoDisks,
}

/// Everything that the decision depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of a truth table")]
pub struct Evidence {
    /// What ends this node whatever else holds: a mailbox, the peer's word, the manager, oversleep.
    pub fatal: Option<SelfFence>,
    /// How the peer is in sight.
    pub sighting: Sighting,
    /// How the claim stands.
    pub standing: Standing,
    /// Whether the peer provably cannot touch shared data.
    pub proved: bool,
    /// Whether that proof lasts without a claim: it left, or an operator answers for it. A peer
    /// that was switched off may come back and contest the claim unheard.
    pub lasting: bool,
    /// Whether protected resources are (or may be) active here.
    pub protected: bool,
    /// Whether this node was allowed to act until now.
    pub acting: bool,
    /// Whether the time to contest the claim is over.
    pub expired: bool,
}

/// What a node may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Whether the watchdog is fed.
    pub feed: bool,
    /// Whether protected resources may be started.
    pub may_act: bool,
    /// Whether a power driver may switch the peer off.
    pub may_fence: bool,
    /// What to do next.
    pub step: Step,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Nothing: go on.
    GoOn,
    /// Complete the handshake.
    Join,
    /// Contest the claim (after the heavier node has had its turn).
    Contest,
    /// Wait until the peer's watchdog must have fired, or better proof comes.
    AwaitProof,
    /// Start nothing until the peer is heard.
    Quarantine,
    /// Contest nothing; only the operator or a power driver can prove the peer's death.
    AskPower,
    /// End this node.
    Fence(SelfFence),
}

/// One row: `None` leaves a column open.
#[derive(Clone, Copy, Debug)]
struct Row {
    fatal: Option<bool>,
    sighting: Option<Sighting>,
    standing: Option<Standing>,
    proved: Option<bool>,
    lasting: Option<bool>,
    protected: Option<bool>,
    acting: Option<bool>,
    expired: Option<bool>,
    verdict: Verdict,
    why: &'static str,
}

const ANY: Row = Row {
    fatal: Some(false),
    sighting: None,
    standing: None,
    proved: None,
    lasting: None,
    protected: None,
    acting: None,
    expired: None,
    verdict: verdict(false, false, false, Step::Fence(SelfFence::Isolated)),
    why: "",
};

const fn verdict(feed: bool, may_act: bool, may_fence: bool, step: Step) -> Verdict {
    Verdict { feed, may_act, may_fence, step }
}

const TABLE: [Row; 18] = [
    Row {
        fatal: Some(true),
        verdict: verdict(false, false, false, Step::Fence(SelfFence::Isolated)),
        why: "this node is condemned: whatever condemned it is named in the log",
        ..ANY
    },
    Row {
        standing: Some(Standing::Lost),
        protected: Some(true),
        verdict: verdict(false, false, false, Step::Fence(SelfFence::ClaimLost)),
        why: "the peer won the claim and protected resources run here",
        ..ANY
    },
    Row {
        sighting: Some(Sighting::Silent),
        standing: Some(Standing::Lost),
        verdict: verdict(true, false, false, Step::Quarantine),
        why: "the peer won the claim; nothing runs here, so nothing has to die",
        ..ANY
    },
    Row {
        sighting: Some(Sighting::Hearing),
        standing: Some(Standing::Lost),
        verdict: verdict(true, false, false, Step::Join),
        why: "the peer that won the claim is in sight again",
        ..ANY
    },
    Row {
        sighting: Some(Sighting::Pair),
        verdict: verdict(true, true, false, Step::GoOn),
        why: "both nodes see each other: disks and single links do not matter",
        ..ANY
    },
    Row {
        standing: Some(Standing::Held),
        proved: Some(true),
        sighting: Some(Sighting::Hearing),
        verdict: verdict(true, true, false, Step::Join),
        why: "this node acts alone by right; a new boot of the peer is being taken in",
        ..ANY
    },
    Row {
        standing: Some(Standing::Held),
        proved: Some(true),
        verdict: verdict(true, true, true, Step::GoOn),
        why: "this node won the claim and the peer is provably down",
        ..ANY
    },
    Row {
        standing: Some(Standing::Held),
        verdict: verdict(true, false, true, Step::AwaitProof),
        why: "this node won the claim; the peer may still write until its watchdog has fired",
        ..ANY
    },
    Row {
        sighting: Some(Sighting::Hearing),
        acting: Some(true),
        verdict: verdict(true, true, false, Step::Join),
        why: "a new boot of the peer is in sight; it cannot act before it has joined",
        ..ANY
    },
    Row {
        sighting: Some(Sighting::Hearing),
        verdict: verdict(true, false, false, Step::Join),
        why: "the peer is in sight, the handshake is not complete",
        ..ANY
    },
    Row {
        standing: Some(Standing::NoDisks),
        proved: Some(true),
        verdict: verdict(true, true, true, Step::GoOn),
        why: "the peer is provably off or gone",
        ..ANY
    },
    Row {
        standing: Some(Standing::NoDisks),
        verdict: verdict(true, false, true, Step::AskPower),
        why: "no disk to claim on: the peer takes over on proof of power only, so this node lives",
        ..ANY
    },
    Row {
        lasting: Some(true),
        verdict: verdict(true, true, false, Step::Contest),
        why: "the peer has left, or an operator answers for it; the claim records it",
        ..ANY
    },
    Row {
        protected: Some(true),
        expired: Some(true),
        verdict: verdict(false, false, false, Step::Fence(SelfFence::Isolated)),
        why: "neither peer nor enough disks answered in time; the peer may take over soon",
        ..ANY
    },
    Row {
        standing: Some(Standing::Contestable),
        protected: Some(true),
        verdict: verdict(false, false, false, Step::Contest),
        why: "the peer is silent: no feeding until the claim is won",
        ..ANY
    },
    Row {
        standing: Some(Standing::Contestable),
        verdict: verdict(true, false, false, Step::Contest),
        why: "the peer is silent and nothing runs here: contest, but nothing has to die",
        ..ANY
    },
    Row {
        standing: Some(Standing::Barred),
        protected: Some(true),
        verdict: verdict(false, false, false, Step::Quarantine),
        why: "protected resources without any right to run them: the watchdog ends it",
        ..ANY
    },
    Row {
        standing: Some(Standing::Barred),
        verdict: verdict(true, false, false, Step::Quarantine),
        why: "the peer was the last owner: its state may be newer; it has to be heard or off",
        ..ANY
    },
];

impl Row {
    fn matches(&self, evidence: &Evidence) -> bool {
        fn fits<T: PartialEq>(column: Option<T>, value: T) -> bool {
            column.is_none_or(|column| column == value)
        }
        fits(self.fatal, evidence.fatal.is_some())
            && fits(self.sighting, evidence.sighting)
            && fits(self.standing, evidence.standing)
            && fits(self.proved, evidence.proved)
            && fits(self.lasting, evidence.lasting)
            && fits(self.protected, evidence.protected)
            && fits(self.acting, evidence.acting)
            && fits(self.expired, evidence.expired)
    }
}

/// What a node may do on this evidence.
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    let row = TABLE.iter().find(|row| row.matches(evidence));
    let mut verdict = row.map_or(ANY.verdict, |row| row.verdict);
    if let Some(fatal) = evidence.fatal {
        verdict.step = Step::Fence(fatal);
    }
    verdict
}

/// The table for operators, as Markdown.
#[must_use]
pub fn text() -> String {
    fn column<T: core::fmt::Debug>(value: Option<T>) -> String {
        value.map_or_else(|| "·".to_owned(), |value| format!("{value:?}").to_lowercase())
    }
    let mut text = String::from(
        "| condemned | peer | claim | peer proved down | for good | protected here | acting \
         | time over | feed | may act | may switch off | step | why |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in &TABLE {
        let verdict = &row.verdict;
        let step = match (row.fatal, verdict.step) {
            (Some(true), _) => "fence".to_owned(),
            (_, step) => format!("{step:?}").to_lowercase(),
        };
        let written = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {step} | {} |",
            column(row.fatal),
            column(row.sighting),
            column(row.standing),
            column(row.proved),
            column(row.lasting),
            column(row.protected),
            column(row.acting),
            column(row.expired),
            verdict.feed,
            verdict.may_act,
            verdict.may_fence,
            row.why
        );
        debug_assert!(written.is_ok(), "writing to a string");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [bool; 2] = [false, true];

    fn every_evidence() -> Vec<Evidence> {
        let mut all = Vec::new();
        for bits in (0..64_u8).filter(|bits| bits & 0b10_0010 != 0b10_0000) {
            for sighting in [Sighting::Pair, Sighting::Hearing, Sighting::Silent] {
                for standing in [
                    Standing::Held,
                    Standing::Lost,
                    Standing::Contestable,
                    Standing::Barred,
                    Standing::NoDisks,
                ] {
                    let bit = |at: u8| BOTH[usize::from(bits >> at & 1)];
                    all.push(Evidence {
                        fatal: bit(0).then_some(SelfFence::Mailbox),
                        sighting,
                        standing,
                        proved: bit(1),
                        lasting: bit(5),
                        protected: bit(2),
                        acting: bit(3),
                        expired: bit(4),
                    });
                }
            }
        }
        all
    }

    #[test]
    fn every_evidence_has_a_row_and_every_row_an_evidence() {
        let all = every_evidence();
        for evidence in &all {
            assert!(TABLE.iter().any(|row| row.matches(evidence)), "{evidence:?}");
        }
        for row in &TABLE {
            let first = |e: &&Evidence| {
                let found = TABLE.iter().find(|row| row.matches(e));
                found.is_some_and(|found| found.why == row.why)
            };
            assert!(all.iter().any(|e| first(&e)), "unreachable: {}", row.why);
        }
    }

    #[test]
    fn nobody_acts_without_the_pair_the_claim_or_a_proof() {
        for evidence in every_evidence() {
            let verdict = judge(&evidence);
            if verdict.may_act {
                assert!(verdict.feed, "{evidence:?}");
                let right = evidence.sighting == Sighting::Pair
                    || (evidence.sighting == Sighting::Hearing && evidence.acting)
                    || (evidence.proved && evidence.standing == Standing::Held)
                    || (evidence.proved && evidence.standing == Standing::NoDisks)
                    || evidence.lasting;
                assert!(right, "{evidence:?}");
            }
            if verdict.may_fence {
                let right = matches!(evidence.standing, Standing::Held | Standing::NoDisks);
                assert!(right, "{evidence:?}");
            }
        }
    }

    #[test]
    fn nothing_dies_that_runs_nothing() {
        for evidence in every_evidence() {
            if evidence.fatal.is_none() && !evidence.protected {
                let verdict = judge(&evidence);
                assert!(verdict.feed, "{evidence:?}");
                assert!(!matches!(verdict.step, Step::Fence(_)), "{evidence:?}");
            }
        }
    }

    #[test]
    fn a_node_in_sight_of_its_peer_lives_whatever_the_disks_do() {
        for evidence in every_evidence() {
            let lost = evidence.standing == Standing::Lost;
            if evidence.fatal.is_none() && evidence.sighting == Sighting::Pair && !lost {
                let verdict = judge(&evidence);
                assert!(verdict.feed && verdict.may_act, "{evidence:?}");
            }
        }
    }

    #[test]
    fn the_operators_document_is_the_table_that_the_code_uses() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/src/arbitration/verdict.table.md");
        if std::env::var_os("DIARCH_UPDATE_GOLDEN").is_some() {
            std::fs::write(document, text()).unwrap();
        }
        let written = std::fs::read_to_string(document).unwrap();
        assert_eq!(written, text(), "run again with DIARCH_UPDATE_GOLDEN=1");
    }
}
