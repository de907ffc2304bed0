//! The token that lets a person in: from a file or the environment, never from the command
//! line, which everybody on the machine can read.

use std::env::{self, VarError};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const VARIABLE: &str = "CHINWAG_TOKEN";

/// The token, if there is one: in the file, or else in the environment.
pub fn find(file: Option<&Path>) -> Result<Option<String>, String> {
    let Some(path) = file else {
        return match env::var(VARIABLE) {
            Ok(token) => whole(&token, VARIABLE).map(Some),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(format!("the token in {VARIABLE} is not text")),
        };
    };
    let place = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|error| format!("failed to read the token in {place}: {error}"))?;
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0) {
        log::warn!("every user of this machine can read your token in {place}: chmod o-r {place}");
    }
    whole(&text, &place).map(Some)
}

fn whole(text: &str, place: &str) -> Result<String, String> {
    let token = text.trim_end_matches(['\r', '\n']);
    if token.is_empty() { Err(format!("there is no token in {place}")) } else { Ok(token.to_owned()) }
}
