//! Hostile peers, one kind after the other, beside twenty people who chat on undisturbed:
//! nothing of theirs is lost, doubled or out of order, and it is heard in time. Each kind
//! gets the answer that it should, and leaves threads, descriptors and memory as they were.

mod arena;
mod chatting;
mod clients;
mod closing;
mod crowd;
mod floods;
mod footprint;
mod frames;
mod logs;
mod requests;
mod secure;
mod servers;
mod slow;
mod stalls;
mod storms;
mod utf8;

use self::arena::Arena;

/// What a hostile peer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A refusal before the upgrade.
    Status(u16),
    /// A close frame; 1005 is one without a code.
    Close(u16),
    /// An event of that type and code: it may go on.
    Error(&'static str),
    /// The end of the connection, without a word.
    Cut,
    /// A TLS alert, or the end.
    Alert,
    /// What anybody gets: it harms only itself.
    Served,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Close(1005) => f.write_str("close without a code"),
            Self::Close(code) => write!(f, "close {code}"),
            Self::Error(code) => write!(f, "error `{code}`"),
            Self::Cut => f.write_str("cut"),
            Self::Alert => f.write_str("TLS alert, or cut"),
            Self::Served => f.write_str("served"),
        }
    }
}

/// A kind of hostile peer.
pub struct Kind {
    /// What it does.
    pub does: &'static str,
    pub expected: Answer,
    pub attack: Box<dyn Fn(&Arena) -> Answer + Send + Sync>,
}

impl Kind {
    pub fn new(
        does: &'static str,
        expected: Answer,
        attack: impl Fn(&Arena) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self { does, expected, attack: Box::new(attack) }
    }
}

/// All kinds by their group, in the order of the table in the documentation.
fn groups() -> [(&'static str, Vec<Kind>); 12] {
    [
        ("slow", slow::kinds()),
        ("request", requests::kinds()),
        ("name", requests::names()),
        ("frame", frames::kinds()),
        ("UTF-8", utf8::kinds()),
        ("close", closing::kinds()),
        ("flood", floods::kinds()),
        ("stall", stalls::kinds()),
        ("storm", storms::kinds()),
        ("chat", chatting::kinds()),
        ("log", logs::kinds()),
        ("TLS", secure::kinds()),
    ]
}

#[test]
fn the_table_in_the_documentation_has_every_kind_and_what_it_gets() {
    let groups = groups();
    let count = groups.iter().map(|(_, kinds)| kinds.len()).sum::<usize>() + servers::COUNT;
    let mut rows = String::new();
    for (group, kinds) in &groups {
        for Kind { does, expected, .. } in kinds {
            rows += &format!("| {group} | {does} | {expected} |\n");
        }
    }
    for (does, words) in servers::table() {
        rows += &format!("| server | {does} | {words} |\n");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hostile-peers.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (head, table) = page.split_once("|---|---|---|\n").unwrap();
    if std::env::var_os("CHINWAG_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{head}|---|---|---|\n{rows}")).unwrap();
        return;
    }
    assert_eq!(table, rows, "CHINWAG_WRITE_DOCS=1 writes it anew");
    assert!(count >= 60, "{count} kinds");
    assert!(head.contains(&format!(" {count} kinds")), "the page is to say that there are {count} kinds");
}
