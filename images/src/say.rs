//! The task runner's terminal: whole lines, written at once, whatever reads them.

use std::io::Write as _;
use std::time::Duration;

/// Prints one line on standard output; a closed terminal stops nothing.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", text.as_ref()));
    drop(out.flush());
}

/// Prints one line on standard error.
pub(crate) fn error(text: impl AsRef<str>) {
    let mut out = std::io::stderr().lock();
    drop(writeln!(out, "{}", text.as_ref()));
}

/// A length of time as `12.3 s` or `4 min 05 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// A size as `1.23 MB`, in millions of bytes.
pub(crate) fn size(bytes: u64) -> String {
    let kilobytes = bytes / 1000;
    format!("{}.{:02} MB", kilobytes / 1000, kilobytes % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::{duration, size};
    use std::time::Duration;

    #[test]
    fn sizes_and_times_are_readable() {
        assert_eq!(size(5_999_999), "5.99 MB");
        assert_eq!(duration(Duration::from_millis(1250)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(245)), "4 min 05 s");
    }
}
