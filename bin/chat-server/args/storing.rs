//! Where what is said is kept, for how long, and what happens where it cannot be.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chinwag::Error;
use chinwag::chat::{ChatBuilder, ChatSettings, OnStoreFailure};
use chinwag::store::{Durability, Retention, Sqlite, SqliteBuilder};
use clap::{Args, ValueEnum};

use crate::shared::optional_duration;

/// A file keeps more than memory does.
const IN_FILE: Retention = Retention { messages: 100_000, bytes: 100 * 1024 * 1024, age: None };

/// The store, and how much is kept.
#[derive(Args)]
#[command(next_help_heading = "The store")]
pub struct Storing {
    /// Where what is said is kept: memory, until the server ends, or sqlite:PATH, in a file
    /// that outlives it and is begun where it is not there.
    #[arg(long, value_name = "memory|sqlite:PATH", env = "CHINWAG_STORE", default_value = "memory")]
    pub store: Place,

    /// What a message in a file survives once it was acknowledged: the end of the process, or
    /// with disk a power failure too, which costs a wait for the disk with each batch.
    /// Default: process.
    #[arg(long, value_name = "WHAT", env = "CHINWAG_DURABILITY", value_enum)]
    pub durability: Option<Survives>,

    /// What becomes of what is said while the store fails: refuse (whoever says it is told) or
    /// degrade (those who are here get it, and nobody who comes later).
    #[arg(
        long,
        value_name = "POLICY",
        env = "CHINWAG_ON_STORE_FAILURE",
        default_value = "refuse",
        hide_possible_values = true
    )]
    pub on_store_failure: Policy,

    /// Messages of each room that are kept. Default: 1000 in memory, 100000 in a file.
    #[arg(long, value_name = "N", env = "CHINWAG_RETENTION_MESSAGES")]
    pub retention_messages: Option<usize>,

    /// Bytes of text of each room that are kept. Default: 1 MiB in memory, 100 MiB in a file.
    #[arg(long, value_name = "BYTES", env = "CHINWAG_RETENTION_BYTES")]
    pub retention_bytes: Option<usize>,

    /// How long messages are kept, such as 30d, or off for any age.
    #[arg(long, value_name = "TIME", env = "CHINWAG_RETENTION_AGE", default_value = "off", value_parser = optional_duration)]
    pub retention_age: ::std::option::Option<Duration>,

    /// Bytes of text that a file keeps of all rooms together; beyond that the oldest messages
    /// go. Default: 1 GiB.
    #[arg(long, value_name = "BYTES", env = "CHINWAG_STORE_MAX_BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub store_max_bytes: Option<u64>,
}

/// Where the messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Memory,
    File(PathBuf),
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Survives {
    /// Of the process.
    Process,
    /// Of the machine.
    Disk,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Policy {
    /// It is not said.
    Refuse,
    /// It is said and not kept.
    Degrade,
}

impl Storing {
    /// What contradicts: the key that is not right, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.store != Place::Memory {
            return Ok(());
        }
        let for_files =
            [("durability", self.durability.is_some()), ("store-max-bytes", self.store_max_bytes.is_some())];
        match for_files.into_iter().find(|(_, is_given)| *is_given) {
            Some((key, _)) => Err((key, format!("--{key} is for --store sqlite:PATH"))),
            None => Ok(()),
        }
    }

    /// Opens the file, where there is to be one.
    pub fn open(&self) -> Result<Option<Arc<Sqlite>>, Error> {
        self.check().map_err(|(_, words)| Error::Invalid(words))?;
        let Place::File(path) = &self.store else { return Ok(None) };
        let durability = match self.durability {
            Some(Survives::Disk) => Durability::Disk,
            Some(Survives::Process) | None => Durability::Process,
        };
        let builder = Sqlite::builder(path).durability(durability);
        let builder = self.store_max_bytes.into_iter().fold(builder, SqliteBuilder::max_bytes);
        let store = builder.open().map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Some(Arc::new(store)))
    }

    /// Before the chat is there: what its store held before would go else.
    pub fn begin(&self, chat: ChatBuilder) -> ChatBuilder {
        let Retention { messages, bytes, age } = self.retention(&self.store);
        let chat = chat.retention_messages(messages).retention_bytes(bytes);
        let chat = age.into_iter().fold(chat, ChatBuilder::retention_age);
        chat.on_store_failure(self.on_store_failure.into())
    }

    /// What can change while messages are in the `store` that was opened.
    pub fn apply(&self, settings: &mut ChatSettings, store: &Place) {
        let Retention { messages, bytes, age } = self.retention(store);
        settings.retention_messages = messages;
        settings.retention_bytes = bytes;
        settings.retention_age = age;
        settings.on_store_failure = self.on_store_failure.into();
    }

    fn retention(&self, store: &Place) -> Retention {
        let usual = if *store == Place::Memory { Retention::default() } else { IN_FILE };
        Retention {
            messages: self.retention_messages.unwrap_or(usual.messages),
            bytes: self.retention_bytes.unwrap_or(usual.bytes),
            age: self.retention_age,
        }
    }
}

impl From<Policy> for OnStoreFailure {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Refuse => Self::Refuse,
            Policy::Degrade => Self::Degrade,
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("the stores are memory and sqlite:PATH".to_owned()),
        }
    }
}
