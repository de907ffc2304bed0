//! What packages ship beside the programs.

use std::fs;
use std::process::Command;

use super::{File, check};

/// The options of chat-server by their names in the help, and the variable of each.
fn options() -> Vec<(String, Option<String>)> {
    let output = Command::new(env!("CARGO_BIN_EXE_chat-server")).arg("--help").output().unwrap();
    let mut options: Vec<(String, Option<String>)> = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        // What is said of an option is further in, and may begin with another.
        let is_option = line.find(|char| char != ' ').is_some_and(|indent| indent < 8);
        let line = line.trim();
        let option = line.split_whitespace().take(2).find_map(|word| word.strip_prefix("--"));
        if let Some(option) = option.filter(|_| is_option && line.starts_with('-')) {
            options.push((option.trim_end_matches("...").to_owned(), None));
        }
        if let Some(variable) = line.strip_prefix("[env: ") {
            options.last_mut().unwrap().1 = Some(variable.split(['=', ']']).next().unwrap().to_owned());
        }
    }
    assert!(options.len() > 30, "{options:?}");
    options
}

/// Those that are no key: what they are for cannot be said in a file.
const NO_KEYS: [&str; 5] = ["help", "version", "verbose", "quiet", "config"];

fn generated(program: &str) -> File {
    let folder = File::new("");
    let output = Command::new(program).args(["generate", folder.folder.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    folder
}

#[test]
fn every_option_has_a_variable_of_its_name() {
    for (option, variable) in options() {
        if !NO_KEYS[..4].contains(&&*option) {
            let name = format!("CHINWAG_{}", option.to_uppercase().replace('-', "_"));
            assert_eq!(variable, Some(name), "--{option}");
        }
    }
}

#[test]
fn the_example_has_every_option_and_is_what_the_options_say() {
    let example = fs::read_to_string("contrib/chat-server.toml").unwrap();
    let keys: Vec<_> = example
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.trim_start().split_once(" = "))
        .map(|(key, _)| key.to_owned())
        .collect();
    let expected: Vec<_> = options()
        .into_iter()
        .map(|(option, _)| option)
        .filter(|option| !NO_KEYS.contains(&&**option))
        .collect();
    assert!(expected.iter().all(|option| keys.contains(option)), "{keys:?} lacks some of {expected:?}");
    let generated = generated(env!("CARGO_BIN_EXE_chat-server"));
    assert_eq!(
        fs::read_to_string(&generated.path).unwrap(),
        example,
        "run `chat-server generate DIR` and copy DIR/chat-server.toml to contrib/"
    );
}

#[test]
fn the_example_is_right_as_it_is_and_with_every_default_taken() {
    let file = File::new(&fs::read_to_string("contrib/chat-server.toml").unwrap());
    let print = || {
        let output = check(&file, &["--print"]);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let print = String::from_utf8(output.stdout).unwrap();
        print.lines().map(|line| line.split("  # ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let as_it_is = print();
    let taken = |line: &str| match line.strip_prefix('#') {
        Some(taken) if taken.ends_with("# not set") => String::new(),
        Some(taken) if taken.starts_with(|first: char| first.is_ascii_lowercase()) => taken.to_owned() + "\n",
        _ => String::new(),
    };
    let text: String = fs::read_to_string("contrib/chat-server.toml").unwrap().lines().map(taken).collect();
    assert!(text.lines().count() > 20, "{text}");
    file.write(&text);
    assert_eq!(print(), as_it_is, "a default in the example is not the default");
}

#[test]
fn each_program_has_a_manual_page_and_completions_for_its_options() {
    for program in [
        env!("CARGO_BIN_EXE_chat-server"),
        env!("CARGO_BIN_EXE_chat-client"),
        env!("CARGO_BIN_EXE_chat-load"),
    ] {
        let folder = generated(program);
        let name = program.rsplit('/').next().unwrap();
        let page = fs::read_to_string(folder.beside(&format!("man/{name}.1"))).unwrap().replace("\\-", "-");
        let help = Command::new(program).arg("--help").output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let options: Vec<_> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
        assert!(options.len() > 10);
        for option in
            options.iter().filter(|option| option[2..].bytes().all(|byte| byte.is_ascii_lowercase()))
        {
            assert!(page.contains(option), "{option} is not in the page of {name}");
        }
        for section in ["SYNOPSIS", "ENVIRONMENT", "EXAMPLES", "SIGNALS", "SEE ALSO"] {
            assert!(
                page.contains(&format!(".SH {section}")) || page.contains(&format!(".SH \"{section}\"")),
                "{section}"
            );
        }
        for file in [format!("{name}.bash"), format!("_{name}"), format!("{name}.fish")] {
            let completions = fs::read_to_string(folder.beside(&format!("completions/{file}"))).unwrap();
            assert!(completions.contains("version"), "{file}");
        }
    }
}
