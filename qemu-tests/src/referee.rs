//! Proves from outside that the shared data disk was never written by two machines at a time.
//!
//! The rule: a machine may write after the other one has written only if it has read the file
//! system's superblock in between, that is, if it has mounted anew. A machine that still had the
//! file system mounted holds that block in memory and never reads it again, so each of its writes
//! after the other's first one breaks the rule.

use crate::nbd::{Access, Kind};
use std::time::Instant;

/// Where ext4 keeps its superblock: bytes 1024 to 2047.
const SUPERBLOCK: u64 = 1024;

/// A write that must not have been.
#[derive(Clone, Copy, Debug)]
pub struct Violation {
    /// When it was carried out.
    pub at: Instant,
    /// Who wrote.
    pub machine: usize,
    /// Where.
    pub offset: u64,
}

/// What the accesses to the data disk show.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Writes by each machine.
    pub writes: [usize; 2],
    /// How often the writer changed.
    pub handovers: usize,
    /// Writes by a machine that had not mounted anew since the other one wrote.
    pub violations: Vec<Violation>,
}

/// Judges all accesses to the data disk, in the order in which they were carried out.
#[must_use]
pub fn judge(accesses: &[Access]) -> Judgement {
    let mut judgement = Judgement::default();
    let mut writer = None;
    let mut fresh = [true; 2];
    for access in accesses {
        let covers =
            access.offset <= SUPERBLOCK && access.offset + u64::from(access.length) > SUPERBLOCK;
        match access.kind {
            Kind::Read if covers => fresh[access.machine] = true,
            Kind::Read | Kind::Flush => {}
            Kind::Write => {
                judgement.writes[access.machine] += 1;
                fresh[1 - access.machine] = false;
                if !fresh[access.machine] {
                    judgement.violations.push(Violation {
                        at: access.at,
                        machine: access.machine,
                        offset: access.offset,
                    });
                }
                if writer.is_some_and(|before| before != access.machine) {
                    judgement.handovers += 1;
                }
                writer = Some(access.machine);
            }
        }
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::nbd::{Access, Kind};
    use std::time::Instant;

    /// `m0` machine 0 mounts, `w0` it writes; likewise 1.
    fn accesses(text: &str) -> Vec<Access> {
        text.split_whitespace()
            .map(|word| Access {
                at: Instant::now(),
                machine: usize::from(word.ends_with('1')),
                kind: if word.starts_with('m') { Kind::Read } else { Kind::Write },
                offset: if word.starts_with('m') { 0 } else { 8192 },
                length: 4096,
            })
            .collect()
    }

    #[test]
    fn a_handover_with_a_mount_is_clean() {
        let judged = judge(&accesses("m0 w0 w0 m1 w1 m0 w0"));
        assert!(judged.violations.is_empty());
        assert_eq!((judged.writes, judged.handovers), ([3, 1], 2));
    }

    #[test]
    fn a_writer_that_comes_back_without_mounting_is_caught_at_each_write() {
        let judged = judge(&accesses("m0 w0 m1 w1 w0 w0"));
        assert_eq!(judged.violations.len(), 2);
        assert_eq!(judged.violations[0].machine, 0);
    }

    #[test]
    fn a_mount_before_the_other_wrote_does_not_count() {
        let judged = judge(&accesses("m0 m1 w0 w1"));
        assert_eq!(judged.violations.len(), 1);
    }
}
