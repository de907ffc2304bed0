//! What packages ship beside a program: manual pages and completions for shells, made of
//! its command line by `PROGRAM generate FOLDER`. For packagers, so no help mentions it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// What a manual page says beside the options.
pub struct Manual {
    pub sections: &'static [Section],
    /// Further files, by name.
    pub files: fn() -> Vec<(&'static str, String)>,
}

pub struct Section {
    pub title: &'static str,
    /// A term, and what is to be said of it; an empty term for a paragraph.
    pub items: &'static [(&'static str, &'static str)],
}

/// Does it, where the command line asks for nothing but that; or says why not.
pub fn asked(command: fn() -> Command, manual: &Manual) -> Option<Result<(), (u8, String)>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(word), Some(folder), None) = (args.next(), args.next(), args.next()) else { return None };
    if word != "generate" || folder.as_encoded_bytes().starts_with(b"-") {
        return None;
    }
    let folder = PathBuf::from(folder);
    let failed = |error: io::Error| (1, format!("failed to write to {}: {error}", folder.display()));
    Some(generate(&folder, command(), manual).map_err(failed))
}

fn generate(folder: &Path, mut command: Command, manual: &Manual) -> io::Result<()> {
    command.build();
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    let name = command.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, &name, &completions)?;
    }
    for (name, text) in (manual.files)() {
        fs::write(folder.join(name), text)?;
    }
    write_pages(&man, &command, manual.sections)
}

/// A page for the program, and one for each subcommand.
fn write_pages(folder: &Path, command: &Command, sections: &[Section]) -> io::Result<()> {
    let page = Man::new(command.clone()).manual("chinwag");
    fs::write(folder.join(page.get_filename()), render(&page, command, sections)?)?;
    let is_ours = |sub: &&Command| sub.get_name() != "help" && !sub.is_hide_set();
    command.get_subcommands().filter(is_ours).try_for_each(|sub| write_pages(folder, sub, &[]))
}

fn render(page: &Man, command: &Command, sections: &[Section]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    synopsis(command).to_writer(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    if command.get_subcommands().any(|sub| !sub.is_hide_set()) {
        page.render_subcommands_section(&mut out)?;
    }
    if command.get_after_long_help().is_some() {
        page.render_extra_section(&mut out)?;
    }
    let mut roff = Roff::new();
    environment(&mut roff, command);
    sections.iter().for_each(|section| section.render(&mut roff));
    roff.to_writer(&mut out)?;
    if command.get_version().is_some() {
        page.render_version_section(&mut out)?;
    }
    Ok(out)
}

/// As the help has it: naming all options once more would say less.
fn synopsis(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    let usage = command.clone().render_usage().to_string();
    for line in usage.trim_start_matches("Usage:").lines() {
        roff.text([bold(line.trim())]).control("br", []);
    }
    roff
}

/// Every variable there is.
fn environment(roff: &mut Roff, command: &Command) {
    let variables = command.get_arguments().filter_map(Arg::get_env);
    let variables: Vec<_> = variables.map(|name| name.to_string_lossy()).collect();
    if variables.is_empty() {
        return;
    }
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman("Each stands for what the command line calls so, which wins over it: ")]);
    roff.text([bold(variables.join(", "))]);
}

impl Section {
    fn render(&self, roff: &mut Roff) {
        roff.control("SH", [self.title]);
        for (term, words) in self.items {
            if term.is_empty() {
                roff.control("PP", []).text([roman(*words)]);
            } else {
                roff.control("TP", []).text([bold(*term)]);
                roff.text([roman(*words)]);
            }
        }
    }
}
