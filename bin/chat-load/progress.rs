//! What is going on, on stderr where that is a terminal, and nowhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One line that changes.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn new() -> Self {
        // indicatif draws nothing where stderr is no terminal.
        Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()) }
    }

    /// Begins with something that has `total` parts; 0 where that is not known. What it
    /// returns is the same line.
    pub fn bar(&self, what: &'static str, total: u64) -> ProgressBar {
        let template = match total {
            0 => "{spinner} {msg} {elapsed}",
            _ => "{spinner} {msg} {wide_bar} {human_pos}/{human_len} {elapsed}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.reset();
        self.bar.set_style(style);
        self.bar.set_length(total);
        self.bar.set_message(what);
        self.bar.enable_steady_tick(Duration::from_millis(200));
        self.bar.clone()
    }

    /// Prints a line that stays.
    pub fn say(&self, line: &str) {
        self.bar.println(line);
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }
}
