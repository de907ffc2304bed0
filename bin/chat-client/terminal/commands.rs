//! What becomes of a line that was typed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chinwag::chat_client::{AskError, ChatState};
use chinwag::protocol::{Ask, Command, CommandError, CommandHelp, Request};

use super::App;
use super::block::Block;
use super::complete;
use super::editor::Editor;
use crate::text;

/// The client's own commands.
const OWN: [CommandHelp; 3] = [
    CommandHelp { name: "lag", args: "", what: "measures the way to the server and back" },
    CommandHelp { name: "clear", args: "", what: "empties the screen" },
    CommandHelp { name: "trace", args: "", what: "shows what passes on the wire, or stops that" },
];
/// Keys worth knowing, for `/help`.
const KEYS: [(&str, &str); 5] = [
    ("Tab", "completes a name, a room or a command; again for the next one"),
    ("Up, Ctrl-R", "an earlier line, and search in those; what comes in waits for the search to end"),
    ("Alt-Enter", "a line break in the message"),
    ("Ctrl-L", "paints the screen again"),
    ("Ctrl-C, Ctrl-D", "empties the line; leaves where it is empty"),
];
/// The largest request that is sent, in bytes of JSON: a little less than `chat-server`
/// takes unless it was told otherwise. One that is too large ends the conversation.
const MAX_BYTES: usize = 16_000;
/// The longest id of this client's own.
const ID_BYTES: usize = 40;
/// The longest line that is put back to be edited. A longer one would fill the screen.
const MAX_BACK: usize = 1_000;
/// How long leaving waits for what was said to be confirmed.
const CONFIRMING: Duration = Duration::from_secs(5);

/// What comes after a line.
pub enum Next {
    Go,
    Leave,
    /// It could not be taken: the user gets it back.
    GiveBack(String),
    /// The user wants to edit it.
    Edit(String),
}

/// The names of all commands that the user has, without their `/`.
pub fn all_names(is_operator: bool) -> impl Iterator<Item = &'static str> {
    complete::protocol_commands(is_operator).chain(OWN.iter().map(|help| help.name))
}

/// What is put into the line again; what would fill the screen is only remembered.
pub fn give_back(app: &App, editor: &mut Editor, line: String) -> String {
    if line.len() <= MAX_BACK {
        return line;
    }
    editor.remember(&line);
    app.screen.show([Block::Info("Up brings back what you typed".to_owned())]);
    String::new()
}

/// Does what a line says.
pub fn run(app: &App, line: &str) -> Next {
    if line.trim().is_empty() {
        return Next::Go;
    }
    if line == "Bye" {
        return leave(app);
    }
    if let Some((own, rest)) = own_command(line) {
        match rest {
            "" => run_own(app, own.name),
            _ => app.screen.show([Block::Alarm(CommandError::Usage(own).to_string())]),
        }
        return Next::Go;
    }
    match Command::parse(line) {
        Ok(Command::Quit) if !line.trim()[1..].eq_ignore_ascii_case("quit") => {
            let usage = Command::help("quit").map(|quit| CommandError::Usage(quit).to_string());
            app.screen.show(usage.map(Block::Alarm));
            Next::Go
        }
        Ok(Command::Say(text)) => say(app, line, text, false),
        Ok(Command::Me(text)) => say(app, line, text, true),
        Ok(Command::Quit) => leave(app),
        Ok(command) => obey(app, line, command),
        Err(error) => {
            app.screen.show([Block::Alarm(explain(app, error))]);
            Next::Go
        }
    }
}

/// One message, whatever it looks like.
pub fn say_all(app: &App, lines: &str) -> Next {
    say(app, lines, lines.to_owned(), false)
}

/// The command, and what stands behind it.
fn own_command(line: &str) -> Option<(CommandHelp, &str)> {
    let rest = line.strip_prefix('/')?;
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let own = OWN.into_iter().find(|own| own.name.eq_ignore_ascii_case(name))?;
    Some((own, rest.trim()))
}

fn run_own(app: &App, name: &str) {
    match name {
        "lag" => drop(ask(app, "", Ask::Ping)),
        "clear" => app.screen.clear(),
        _ => {
            let is_on = !app.trace.fetch_xor(true, Ordering::Relaxed);
            let words =
                if is_on { "the wire is shown; /trace again stops it" } else { "the wire is not shown" };
            app.screen.show([Block::Info(words.to_owned())]);
        }
    }
}

/// The words for a line that is no command, with the nearest of all commands.
fn explain(app: &App, error: CommandError) -> String {
    match error {
        CommandError::Unknown { typed, .. } => {
            let lower = typed.to_lowercase();
            let nearest = all_names(app.model.lock().is_operator)
                .map(|name| (strsim::damerau_levenshtein(&lower, name), name))
                .min();
            let nearest = nearest.filter(|(distance, name)| *distance <= name.len().max(2) / 2);
            CommandError::Unknown { typed, nearest: nearest.map(|(_, name)| name) }.to_string()
        }
        error => error.to_string(),
    }
}

fn say(app: &App, line: &str, text: String, action: bool) -> Next {
    let Some(room) = app.model.lock().current().map(str::to_owned) else {
        app.screen.show([Block::Alarm("you are in no room: /join one".to_owned())]);
        return Next::GiveBack(line.to_owned());
    };
    ask(app, line, Ask::Say { room, text, action })
}

/// Asks, and tells what cannot be asked now.
fn ask(app: &App, line: &str, ask: Ask) -> Next {
    let bytes = Request::new(ask.clone()).with_id("i".repeat(ID_BYTES)).to_json().len();
    if bytes > MAX_BYTES {
        let words = format!("too long: {bytes} bytes, at most {MAX_BYTES}; not sent");
        app.screen.show([Block::Alarm(words)]);
        return Next::GiveBack(line.to_owned());
    }
    let kept = match &ask {
        Ask::Say { text, .. } | Ask::Whisper { text, .. } => Some(text.clone()),
        _ => None,
    };
    // Held, so that no answer comes before it is known what was asked.
    let mut model = app.model.lock();
    let result = app.chat.ask(ask.clone());
    if let Ok(receipt) = &result {
        model.asked(&ask, receipt.id(), true);
        if let Some(text) = &kept {
            model.said.add(receipt.clone(), text.clone());
        }
    }
    drop(model);
    match result {
        Ok(_) => {
            if let Some(kept) = kept.filter(|_| app.chat.state() != ChatState::Online) {
                app.screen.show([Block::Info(format!("kept, will be sent: {}", shorten(&kept)))]);
            }
            Next::Go
        }
        Err(AskError::Offline) => {
            app.screen.show([Block::Alarm("not connected: ask again when it is back".to_owned())]);
            Next::Go
        }
        Err(error) => {
            app.screen.show([Block::Alarm(error.to_string())]);
            Next::GiveBack(line.to_owned())
        }
    }
}

/// A message as it is shown outside the conversation.
pub fn shorten(text: &str) -> String {
    super::wrap::cut(&text::one_line(text), 200)
}

/// Shows what is lost with the conversation.
pub fn show_lost(app: &App) {
    let model = app.model.lock();
    let lost: Vec<Block> =
        model.said.lost().map(|text| Block::Alarm(format!("not confirmed: {}", shorten(text)))).collect();
    drop(model);
    app.screen.show(lost);
}

fn obey(app: &App, line: &str, command: Command) -> Next {
    let current = app.model.lock().current().map(str::to_owned);
    let is_about_this = matches!(
        command,
        Command::Who(None)
            | Command::Leave(None)
            | Command::Topic(_)
            | Command::History(_)
            | Command::Lock(None)
            | Command::Unlock(None)
    );
    if current.is_none() && is_about_this {
        app.screen.show([Block::Alarm("you are in no room".to_owned())]);
        return Next::Go;
    }
    match order(app, &command, current.as_deref().unwrap_or_default()) {
        Some(Ok(order)) => return ask(app, line, order),
        Some(Err(error)) => {
            app.screen.show([Block::Alarm(error.to_string())]);
            return Next::GiveBack(line.to_owned());
        }
        None => {}
    }
    let room_or_this = |room: Option<String>| room.or_else(|| current.clone()).unwrap_or_default();
    match command {
        Command::Help(about) => help(app, about.as_deref()),
        Command::Join(room) => return join(app, line, &room),
        Command::Msg(arg) => return whisper(app, line, &arg),
        Command::Reply(text) => return reply(app, line, text),
        Command::Who(room) => return ask(app, line, Ask::Who { room: room_or_this(room) }),
        Command::Rooms => return ask(app, line, Ask::Rooms),
        Command::Leave(room) => return ask(app, line, Ask::Leave { room: room_or_this(room) }),
        Command::Nick(name) => return ask(app, line, Ask::Nick { name }),
        Command::Topic(text) => return ask(app, line, Ask::Topic { room: room_or_this(None), text }),
        Command::Away(text) => return ask(app, line, Ask::Away { text }),
        Command::Back => return ask(app, line, Ask::Back),
        Command::Ignore(name) => return ask(app, line, Ask::Ignore { name }),
        Command::Unignore(name) => return ask(app, line, Ask::Unignore { name }),
        Command::History(limit) => {
            let room = room_or_this(None);
            return ask(app, line, Ask::History { room, before: None, limit });
        }
        Command::Search(words) => {
            return ask(app, line, Ask::Search { words, room: None, before: None, limit: None });
        }
        Command::Whois(name) => return ask(app, line, Ask::Whois { name }),
        _ => app.screen.show([Block::Alarm("this client does not know that command".to_owned())]),
    }
    Next::Go
}

/// What an operator's command asks for.
fn order(app: &App, command: &Command, room: &str) -> Option<Result<Ask, CommandError>> {
    let model = app.model.lock();
    let present = model.rooms().flat_map(|(_, room)| room.names());
    let names: Vec<&String> = present.chain(&model.past_names).collect();
    command.order(names, room)
}

fn reply(app: &App, line: &str, text: String) -> Next {
    let whisperer = app.model.lock().whisperer.clone();
    match whisperer {
        Some(to) => ask(app, line, Ask::Whisper { to, text, action: false }),
        None => {
            app.screen.show([Block::Alarm("nobody has whispered to you yet".to_owned())]);
            Next::GiveBack(text)
        }
    }
}

fn whisper(app: &App, line: &str, arg: &str) -> Next {
    let split = {
        let model = app.model.lock();
        let present = model.rooms().flat_map(|(_, room)| room.names());
        let names: Vec<&String> = present.chain(&model.past_names).collect();
        Command::split_name(arg, names)
    };
    let (to, text) = match split {
        Ok((to, text)) => (to.to_owned(), text.to_owned()),
        Err(error) => {
            app.screen.show([Block::Alarm(error.to_string())]);
            return Next::GiveBack(line.to_owned());
        }
    };
    if text.is_empty() {
        app.screen.show([Block::Alarm(format!("what do you want to say to {to} alone?"))]);
        return Next::GiveBack(format!("{line} "));
    }
    ask(app, line, Ask::Whisper { to, text, action: false })
}

/// Goes to a room, and joins it where that has not happened yet.
fn join(app: &App, line: &str, room: &str) -> Next {
    let room = room.to_lowercase();
    let mut model = app.model.lock();
    if model.room(&room).is_some() {
        let blocks = model.go_to(&room);
        drop(model);
        app.screen.show(blocks);
        return Next::Go;
    }
    model.destination = Some(room.clone());
    drop(model);
    ask(app, line, Ask::Join { room, since: None })
}

fn leave(app: &App) -> Next {
    let kept = app.chat.queued();
    // While it is lost, nothing would be confirmed in time.
    let is_warned = app.is_warned.swap(true, Ordering::Relaxed);
    if kept > 0 && app.chat.state() != ChatState::Online && !is_warned {
        let words = format!("{kept} not sent yet: again to leave all the same");
        app.screen.show([Block::Alarm(words)]);
        return Next::Go;
    }
    Next::Leave
}

fn help(app: &App, about: Option<&str>) {
    let own = |name: &str| OWN.into_iter().find(|help| help.name == name.trim_start_matches('/'));
    let blocks = match about {
        Some(name) => match Command::help(name).or_else(|| own(name)) {
            Some(help) => vec![item(help)],
            None => {
                let typed = text::one_line(name);
                vec![Block::Alarm(explain(app, CommandError::Unknown { typed, nearest: None }))]
            }
        },
        None => {
            let mut blocks = vec![Block::Info("a line is a message, // at its start says one /".to_owned())];
            blocks.extend(Command::HELP.into_iter().chain(OWN).map(item));
            blocks.extend(KEYS.map(|(keys, what)| Block::Item(keys.to_owned(), what.to_owned())));
            if app.model.lock().is_operator {
                blocks.push(Block::Info("for operators".to_owned()));
                blocks.extend(Command::OPERATORS.map(item));
            }
            blocks
        }
    };
    app.screen.show(blocks);
}

fn item(help: CommandHelp) -> Block {
    Block::Item(help.to_string(), help.what.to_owned())
}

/// Says what leaving waits for, if anything.
pub fn announce_goodbye(app: &App) {
    let waiting = app.chat.queued();
    if waiting > 0 && app.chat.state() == ChatState::Online {
        let seconds = CONFIRMING.as_secs();
        let words = format!("leaving; waiting for {waiting} to be confirmed, {seconds} s at most");
        app.screen.show([Block::Info(words)]);
    }
}

/// Leaves, once what was said is confirmed; how much was not.
pub fn say_goodbye(app: &App) -> usize {
    let is_online = app.chat.state() == ChatState::Online;
    app.chat.close(if is_online { CONFIRMING } else { Duration::ZERO })
}
