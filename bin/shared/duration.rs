//! Durations on the command line: `10`, `10s`, `500ms`, `2m`.

use std::time::Duration;

/// Seconds unless a unit says otherwise.
pub fn parse(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected a duration such as 10s, 500ms or 2m".to_owned()),
    };
    let seconds: f64 =
        number.parse().map_err(|_| "expected a duration such as 10s, 500ms or 2m".to_owned())?;
    Duration::try_from_secs_f64(seconds * factor).map_err(|error| error.to_string())
}

/// The same, and `off` or `0` for none.
pub fn parse_or_off(text: &str) -> Result<Duration, String> {
    if text == "off" { Ok(Duration::ZERO) } else { parse(text) }
}
