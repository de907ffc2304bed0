//! The file that tokens are in, and changes to it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::digest::{SHA256, digest};

use crate::chat::{Name, Role};
use crate::{Error, Result};

/// What a new file begins with.
const HEADER: &str = "# Who may come in: a name, a role (member or operator), and the hash of a token.\n";
const SCHEME: &str = "sha256:";
/// For the owner alone.
const PRIVATE: u32 = 0o600;
/// What a file's mode may keep when it is written anew.
const OWNER_AND_GROUP: u32 = 0o660;

/// The hash of a token. A token is 256 random bits, which nobody can guess or try through,
/// so the hash need not be slow, as one of a password must be.
pub(super) type Hash = [u8; 32];

pub(super) fn hash(token: &str) -> Hash {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// A file of tokens, a line each: a name, a role, and `sha256:` with the token's hash. Lines
/// that are empty or begin with `#` say nothing. One name may have several.
///
/// ```
/// use chinwag::auth::TokenFile;
/// use chinwag::chat::Role;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("tokens");
/// let file = TokenFile::new(path);
/// let token = file.add("Adam", Role::Operator)?;
/// println!("give this to Adam: {token}");
/// assert_eq!(file.list()?[0].name, "Adam");
/// assert_eq!(file.revoke("Adam")?, 1);
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
}

/// One token of a [`TokenFile`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenLine {
    /// Whom it was given to: the only name that it lets in.
    pub name: String,
    /// What that one may do.
    pub role: Role,
    /// The start of its hash, to tell it from others of that name.
    pub fingerprint: String,
}

/// A line as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: Name,
    pub role: Role,
    pub hash: Hash,
}

impl TokenFile {
    /// The file at `path`, which need not be there yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    /// The tokens in it, in its order.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where it cannot be read, and [`Error::Invalid`] for a line that says
    /// nothing of this kind, which it names.
    pub fn list(&self) -> Result<Vec<TokenLine>> {
        let line = |Entry { name, role, hash }| TokenLine {
            name: name.to_string(),
            role,
            fingerprint: HEXLOWER.encode(&hash[..4]),
        };
        Ok(read(&self.path)?.into_iter().map(line).collect())
    }

    /// Makes a token and adds it to the file, which comes into being where there is none,
    /// for its owner alone. The token itself is nowhere but in what this returns.
    ///
    /// The file is replaced whole; another writer waits meanwhile.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list), and where the file cannot be written or the name is not
    /// allowed.
    pub fn add(&self, name: &str, role: Role) -> Result<String> {
        let name =
            Name::parse(name).map_err(|error| Error::Invalid(format!("the name is not allowed: {error}")))?;
        if name.as_str().starts_with('#') {
            return Err(Error::Invalid(
                "a name that begins with # would be a comment in the file".to_owned(),
            ));
        }
        let token = BASE64URL_NOPAD.encode(&rand::random::<[u8; 32]>());
        let line = format!("{name}\t{role}\t{SCHEME}{}\n", HEXLOWER.encode(&hash(&token)));
        self.change(true, |mut text| {
            if text.is_empty() {
                text.push_str(HEADER);
            } else if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&line);
            (text, ())
        })?;
        Ok(token)
    }

    /// Removes all tokens of this name, or what looks like it; how many there were. A server
    /// that uses the file ends the connections of who came in with them.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn revoke(&self, name: &str) -> Result<usize> {
        let name =
            Name::parse(name).map_err(|error| Error::Invalid(format!("that is no name: {error}")))?.key();
        let is_other = |line: &&str| !matches!(parse_line(line), Ok(Some(entry)) if entry.name.key() == name);
        self.change(false, |text| {
            let kept: String = text.split_inclusive('\n').filter(is_other).collect();
            let count = text.lines().count() - kept.lines().count();
            (kept, count)
        })
    }

    /// Replaces the file by what `change` makes of it, with nobody else writing meanwhile.
    fn change<T>(&self, can_create: bool, change: impl FnOnce(String) -> (String, T)) -> Result<T> {
        let attempt = format!("write the tokens to {}", self.path.display());
        let locked = lock(&self.path, can_create).map_err(Error::io(attempt.as_str()))?;
        // A mistake in it is told before anything is changed.
        let text = text_of(&self.path)?;
        entries(&self.path, &text)?;
        let (text, result) = change(text);
        replace(&self.path, &locked, &text).map_err(Error::io(attempt))?;
        Ok(result)
    }
}

/// The file, locked. One that was replaced while this waited for it is not the file any more.
fn lock(path: &Path, can_create: bool) -> std::io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(can_create).mode(PRIVATE).open(path)?;
        file.lock()?;
        let (ours, now) = (file.metadata()?, fs::metadata(path));
        if now.is_ok_and(|now| (now.dev(), now.ino()) == (ours.dev(), ours.ino())) {
            return Ok(file);
        }
    }
}

/// Puts a file with this text in the old one's place, at once and for good, with its owner.
fn replace(path: &Path, old: &File, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let meta = old.metadata()?;
    let mut new = tempfile::Builder::new().prefix(".tokens-").tempfile_in(folder)?;
    let made = new.as_file().metadata()?;
    if (made.uid(), made.gid()) != (meta.uid(), meta.gid()) {
        fchown(new.as_file(), Some(meta.uid()), Some(meta.gid()))?;
    }
    new.as_file().set_permissions(fs::Permissions::from_mode(meta.mode() & OWNER_AND_GROUP))?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(&path)?;
    File::open(folder)?.sync_all()
}

/// The lines of the file that count.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>> {
    entries(path, &text_of(path)?)
}

fn text_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(Error::io(format!("read the tokens in {}", path.display())))?;
    String::from_utf8(bytes)
        .map_err(|_| Error::Invalid(format!("the tokens in {} are not text in UTF-8", path.display())))
}

fn entries(path: &Path, text: &str) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |what: &str| Error::Invalid(format!("{}, line {number}: {what}", path.display()));
        let Some(entry) = parse_line(line).map_err(wrong)? else { continue };
        if entries.iter().any(|other| other.hash == entry.hash) {
            return Err(wrong("the same token is in an earlier line"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// What a line says. What is wrong is told without the line: it may hold a token that
/// somebody took for its hash.
fn parse_line(line: &str) -> Result<Option<Entry>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    // From the end: a name may have spaces.
    let (rest, hash) = line.rsplit_once(char::is_whitespace).unwrap_or(("", line));
    let hash = hash.strip_prefix(SCHEME).and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok());
    let hash = hash.and_then(|hash| hash.try_into().ok());
    let hash = hash.ok_or("expected NAME ROLE sha256:HASH, as chat-server token add writes it")?;
    let rest = rest.trim_end().rsplit_once(char::is_whitespace);
    let (name, role) = rest.ok_or("expected a name and a role before the hash")?;
    let role = role.parse().map_err(|_| "the role must be member or operator")?;
    let name = Name::parse(name).map_err(|_| "the name is not one that a person can have")?;
    Ok(Some(Entry { name, role, hash }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_a_role_and_a_hash() {
        let hex = "ab".repeat(32);
        let entry = parse_line(&format!("  Adam von Ü \t operator   sha256:{hex} ")).unwrap().unwrap();
        assert_eq!((entry.name.as_str(), entry.role), ("Adam von Ü", Role::Operator));
        assert_eq!(entry.hash, [0xab; 32]);
        for empty in ["", "  ", "# a comment", "\t#"] {
            assert_eq!(parse_line(empty), Ok(None));
        }
        let wrong = [
            "Adam".to_owned(),
            format!("sha256:{hex}"),
            format!("operator sha256:{hex}"),
            format!("Adam boss sha256:{hex}"),
            format!("Adam member {hex}"),
            format!("Adam member sha256:{}", &hex[2..]),
            format!("Adam member sha256:{hex} more"),
            format!("Ad\u{202e}am member sha256:{hex}"),
        ];
        for line in wrong {
            assert!(parse_line(&line).is_err(), "{line}");
        }
    }
}
