//! The links between the two nodes: loss, delay, duplication, reordering, cuts one way or both.

use crate::rng::Rng;
use core::time::Duration;
use diarch_cluster::config::NodeIndex;

/// The loss on each of two links that a pair promises to live with, in frames of a thousand.
const LOSS_PROMISED_PERMILLE: u64 = 300;

/// One direction of one link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direction {
    /// Nothing passes.
    pub cut: bool,
    /// How many of a thousand frames are lost.
    pub loss_permille: u64,
    /// How many of a thousand frames come twice.
    pub twice_permille: u64,
    /// Added to the delay of each frame, up to this much.
    pub jitter: Duration,
}

/// All links: `[link][sender]`.
#[derive(Clone, Debug)]
pub struct Network {
    /// Each direction of each link, by the sending node.
    pub links: Vec<[Direction; 2]>,
}

/// The delay of a healthy link.
const DELAY: Duration = Duration::from_micros(60);
/// A frame that the network held back for very long: it comes out of another time.
const GHOST_PERMILLE: u64 = 1;

impl Network {
    /// So many healthy links.
    #[must_use]
    pub fn new(links: usize) -> Self {
        Self { links: vec![[Direction::default(); 2]; links] }
    }

    /// After which delays the copies of a frame arrive, if any does.
    pub fn carry(&self, rng: &mut Rng, link: u8, sender: NodeIndex) -> Vec<Duration> {
        let Some(direction) = self.links.get(usize::from(link)).map(|d| d[sender.index()]) else {
            return Vec::new();
        };
        let mut arrivals = Vec::new();
        if direction.cut || rng.happens(direction.loss_permille) {
            return arrivals;
        }
        arrivals.push(DELAY + rng.between(Duration::ZERO, direction.jitter));
        if rng.happens(direction.twice_permille) {
            arrivals.push(DELAY + rng.between(Duration::ZERO, direction.jitter * 2));
        }
        if direction.jitter > Duration::ZERO && rng.happens(GHOST_PERMILLE) {
            arrivals.push(rng.between(Duration::from_secs(1), Duration::from_secs(9)));
        }
        arrivals
    }

    /// Whether enough frames can pass from that node to the other for neither to end: two links
    /// that lose no more than is promised, or a single good one. Beyond that one node may end
    /// (never two).
    #[must_use]
    pub fn passes(&self, sender: NodeIndex) -> bool {
        let open = |link: &&[Direction; 2]| !link[sender.index()].cut;
        let lossy = |link: &[Direction; 2]| link[sender.index()].loss_permille;
        let mut losses = self.links.iter().filter(open).map(lossy);
        let promised = losses.clone().filter(|loss| *loss <= LOSS_PROMISED_PERMILLE).count();
        promised > 1 || losses.next().is_some_and(|loss| loss < 150)
    }

    /// Makes every link healthy.
    pub fn heal(&mut self) {
        self.links.fill([Direction::default(); 2]);
    }
}
