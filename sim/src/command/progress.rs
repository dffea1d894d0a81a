//! How far a long run is, on stderr, and only where a terminal shows it; and how much CPU it took.

#[cfg(not(target_family = "wasm"))]
pub(crate) use bar::Progress;
#[cfg(target_family = "wasm")]
pub(crate) use no_bar::Progress;

/// Milliseconds of CPU that this process has used; where the system does not say, of the wall clock.
#[allow(clippy::disallowed_methods)] // The only clock in here, and only printed.
pub(crate) fn cpu_ms() -> u64 {
    let from_system = std::fs::read_to_string("/proc/self/stat").ok().and_then(|text| {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        // Linux counts in hundredths of a second, whatever the kernel's own ticks are.
        Some(ticks * 10)
    });
    from_system.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(not(target_family = "wasm"))]
mod bar {
    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
    use std::io::IsTerminal;
    use std::time::Duration;

    /// A bar, or nothing.
    pub(crate) struct Progress(Option<ProgressBar>);

    impl Progress {
        /// A bar up to `length`.
        pub(crate) fn new(length: u64, what: &'static str) -> Progress {
            if !std::io::stderr().is_terminal() {
                return Progress(None);
            }
            let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(5));
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent:>3} % {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(what);
            bar.enable_steady_tick(Duration::from_millis(500));
            Progress(Some(bar))
        }

        /// It is there now.
        pub(crate) fn at(&self, position: u64) {
            if let Some(bar) = &self.0 {
                bar.set_position(position);
            }
        }

        /// It is over.
        pub(crate) fn done(&self) {
            if let Some(bar) = &self.0 {
                bar.finish_and_clear();
            }
        }
    }
}

/// wasm32 has no terminal to draw on.
#[cfg(target_family = "wasm")]
mod no_bar {
    /// Nothing.
    pub(crate) struct Progress;

    impl Progress {
        pub(crate) fn new(_length: u64, _what: &'static str) -> Progress {
            Progress
        }
        pub(crate) fn at(&self, _position: u64) {}
        pub(crate) fn done(&self) {}
    }
}
