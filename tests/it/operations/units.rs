//! The files for systemd, as systemd itself sees them.

use std::path::Path;
use std::process::Command;

const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/systemd");

#[test]
#[ignore = "needs systemd-analyze: run tests/run"]
fn systemd_finds_nothing_wrong_with_the_units_and_little_exposed() {
    let output =
        Command::new(format!("{UNITS}/check")).arg(env!("CARGO_BIN_EXE_chat-server")).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_option_in_the_units_is_one_that_the_server_has() {
    let unit = std::fs::read_to_string(Path::new(UNITS).join("chinwag.service")).unwrap();
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/chat-server")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chat-server")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for option in command.split_whitespace().filter(|word| word.starts_with("--")) {
        assert!(help.contains(option), "{option}");
    }
    for line in unit.lines().filter_map(|line| line.strip_prefix("Environment=CHINWAG_")) {
        let name = line.split('=').next().unwrap();
        assert!(help.contains(&format!("CHINWAG_{name}")), "{name}");
    }
}
