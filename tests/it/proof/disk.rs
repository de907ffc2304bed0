//! A disk that goes wrong on command, below the real server: see `disk.c`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What goes wrong from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// No file can grow.
    Full,
    /// Writes fail.
    Broken,
    /// Syncs fail.
    Unsynced,
    /// The next sync fails, and all behind it.
    Dying,
    ReadOnly,
    Slow,
}

pub struct Disk {
    folder: TempDir,
    boots: u32,
}

impl Disk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Self { folder, boots: 0 };
        for name in ["files", "synced"] {
            fs::create_dir(disk.path(name)).unwrap();
        }
        let shim = disk.path("disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/proof/disk.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([shim.as_os_str(), source.as_ref(), "-ldl".as_ref(), "-pthread".as_ref()])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        disk.goes(Trouble::None);
        disk.boots_again();
        disk
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store's file.
    pub fn file(&self) -> PathBuf {
        self.path("files").join("chat.db")
    }

    pub fn store(&self) -> String {
        format!("--store=sqlite:{}", self.file().display())
    }

    /// What puts the disk below a program; it notes what is synced where that is wanted.
    pub fn variables(&self, notes_syncs: bool) -> Vec<(String, String)> {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let mut variables = vec![
            ("LD_PRELOAD".to_owned(), path("disk.so")),
            ("DISK_FOLDER".to_owned(), path("files")),
            ("DISK_TROUBLE".to_owned(), path("trouble")),
        ];
        if notes_syncs {
            variables.push(("DISK_SYNCED".to_owned(), path("synced")));
            variables.push(("DISK_BOOT_ID".to_owned(), path("boot_id")));
        }
        variables
    }

    pub fn goes(&self, trouble: Trouble) {
        let byte = match trouble {
            Trouble::None => b'-',
            Trouble::Full => b'f',
            Trouble::Broken => b'e',
            Trouble::Unsynced => b's',
            Trouble::Dying => b'd',
            Trouble::ReadOnly => b'r',
            Trouble::Slow => b'w',
        };
        // In its place: the program has it mapped.
        let path = self.path("trouble");
        let file = fs::File::options().create(true).truncate(false).write(true).open(path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[byte], 0).unwrap();
    }

    /// The power was gone, and is back: nothing is left but what was synced.
    pub fn loses_power(&mut self) {
        let (files, synced) = (self.path("files"), self.path("synced"));
        let entries = fs::read_to_string(synced.join("entries")).unwrap_or_default();
        let kept = entries.lines().filter_map(|line| line.split_once(' '));
        // What SQLite has in shared memory is no file to it.
        let kept = kept.filter(|(_, name)| !name.ends_with("-shm"));
        let kept = kept.map(|(inode, name)| (name, fs::read(synced.join(inode)).unwrap_or_default()));
        let kept = kept.collect::<Vec<_>>();
        for folder in [&files, &synced] {
            fs::remove_dir_all(folder).unwrap();
            fs::create_dir(folder).unwrap();
        }
        let mut entries = String::new();
        for (name, bytes) in kept {
            let path = files.join(name);
            fs::write(&path, &bytes).unwrap();
            let inode = fs::metadata(&path).unwrap().ino();
            fs::write(synced.join(inode.to_string()), bytes).unwrap();
            entries += &format!("{inode} {name}\n");
        }
        fs::write(synced.join("entries"), entries).unwrap();
        self.boots_again();
    }

    fn boots_again(&mut self) {
        self.boots += 1;
        let id = format!("{:08x}-0000-4000-8000-000000000000\n", self.boots);
        fs::write(self.path("boot_id"), id).unwrap();
    }
}
