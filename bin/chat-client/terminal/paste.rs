//! Several lines that were pasted: not sent before the user has said how.

use super::App;
use super::block::Block;
use super::commands::{self, Next};
use super::editor::{Editor, Typed};

/// Does what a line says; of several it asks first.
pub fn take_line(app: &App, editor: &mut Editor, typed: &str) -> Next {
    let text = typed.trim_end_matches(['\n', '\r']);
    if !text.trim().is_empty() {
        editor.remember(text);
    }
    if !text.contains('\n') {
        return commands::run(app, text);
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let question = format!(
        "{} lines. Send them as: m = {0} messages, o = one message with line breaks; e = edit them, d = drop them",
        lines.len()
    );
    loop {
        app.screen.show([Block::Alarm(question.clone())]);
        let answer = match editor.read("") {
            Typed::Line(answer) => answer.trim().to_lowercase(),
            Typed::Leave => "e".to_owned(),
            Typed::Interrupted | Typed::Failed(_) => return Next::Edit(text.to_owned()),
        };
        match &*answer {
            "m" => return each(app, &lines),
            "o" => return commands::say_all(app, text),
            "e" => return Next::Edit(text.to_owned()),
            "d" => return Next::Go,
            _ => {}
        }
    }
}

/// A message for each line; a `/` at its start is one of the text's.
fn each(app: &App, lines: &[&str]) -> Next {
    for (number, line) in lines.iter().enumerate() {
        if let Next::GiveBack(_) = commands::say_all(app, line) {
            return Next::GiveBack(lines[number..].join("\n"));
        }
    }
    Next::Go
}
