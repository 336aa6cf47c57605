//! Waiting with an end.

use crate::trouble::Trouble;
use std::thread;
use std::time::{Duration, Instant};

/// How often something that cannot wake us is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until `look` finds something.
///
/// # Errors
/// If it has not after `limit`.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, Trouble> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if start.elapsed() >= limit {
            return Err(Trouble::Overdue {
                what: what.to_owned(),
                waited_s: start.elapsed().as_secs_f64(),
            });
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::until;
    use std::time::Duration;

    #[test]
    fn waiting_in_vain_ends_with_what_was_waited_for() {
        let error = until("a miracle", Duration::ZERO, || None::<()>).unwrap_err();
        assert!(error.to_string().ends_with("in vain for: a miracle"));
    }
}
