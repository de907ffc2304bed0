//! Colours and emphasis.

use anstyle::{Ansi256Color, AnsiColor, Color, Style};
use clap::ValueEnum;

/// Colours of the 256 whose contrast is at least 3:1 against black and against white.
const READABLE: [u8; 45] = [
    26, 27, 28, 29, 30, 31, 32, 33, 61, 62, 63, 64, 67, 68, 93, 94, 97, 98, 99, 100, 127, 128, 129, 130, 131,
    132, 133, 134, 135, 136, 160, 161, 162, 163, 164, 165, 166, 167, 168, 169, 196, 197, 198, 199, 200,
];
/// The same for terminals that have no more than eight.
const BASIC: [AnsiColor; 5] =
    [AnsiColor::Red, AnsiColor::Green, AnsiColor::Blue, AnsiColor::Magenta, AnsiColor::Cyan];

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// Unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

/// What the parts of the screen look like.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    is_colored: bool,
    has_256: bool,
}

impl Theme {
    pub fn new(choice: ColorChoice) -> Self {
        let variable = |name| std::env::var(name).unwrap_or_default();
        let is_colored = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org: set and not empty.
            ColorChoice::Auto => variable("NO_COLOR").is_empty(),
        };
        let has_256 = variable("TERM").contains("256color") || !variable("COLORTERM").is_empty();
        Self { is_colored, has_256 }
    }

    /// A name's own, the same wherever and whenever it is shown.
    pub fn name(self, name: &str) -> Style {
        let place = fnv1a(name.to_lowercase().as_bytes()) as usize;
        let color = if self.has_256 {
            Color::Ansi256(Ansi256Color(READABLE[place % READABLE.len()]))
        } else {
            Color::Ansi(BASIC[place % BASIC.len()])
        };
        self.style(Style::new().fg_color(Some(color)).bold())
    }

    pub fn own_name(self) -> Style {
        self.style(Style::new().bold())
    }

    /// What is there, and need not be read.
    pub fn faint(self) -> Style {
        self.style(Style::new().dimmed())
    }

    pub fn whisper(self) -> Style {
        self.style(Style::new().italic())
    }

    pub fn mention(self) -> Style {
        self.style(Style::new().bold().invert())
    }

    /// What the client itself says.
    pub fn info(self) -> Style {
        self.style(Style::new().fg_color(Some(AnsiColor::Cyan.into())))
    }

    pub fn alarm(self) -> Style {
        self.style(Style::new().fg_color(Some(AnsiColor::Red.into())).bold())
    }

    fn style(self, style: Style) -> Style {
        if self.is_colored { style } else { Style::new() }
    }
}

/// FNV-1a: the same in every version of this program.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 has it, of a colour of the 6x6x6 cube.
    fn luminance(color: u8) -> f64 {
        let color = color - 16;
        let linear = |level: u8| {
            let value = if level == 0 { 0.0 } else { f64::from(55 + 40 * u16::from(level)) / 255.0 };
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055_f64).powf(2.4) }
        };
        let (red, green, blue) = (linear(color / 36), linear(color / 6 % 6), linear(color % 6));
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn names_are_readable_on_black_and_on_white() {
        for color in READABLE {
            let luminance = luminance(color);
            assert!((luminance + 0.05) / 0.05 >= 3.0, "{color} on black");
            assert!(1.05 / (luminance + 0.05) >= 3.0, "{color} on white");
        }
    }
}
