use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use conductor_core::port::Clock;

use super::OpenError;
use crate::host_name::host_name;
use crate::system_clock::SystemClock;

/// The right to write in a folder: an exclusive lock of the operating system on `conductor.lock`.
///
/// The system gives it back when the process ends, however that happens; the text in the file is for people only.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock, or tells who has it.
    pub(super) fn take(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join("conductor.lock");
        let io_error = |source| OpenError::Folder { path: path.clone(), source };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {
                introduce_ourselves(&mut file).map_err(io_error)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The first one may be about to write its name; that it holds the lock is sure all the same.
                let read = file.read_to_string(&mut holder).ok().filter(|length| *length > 0);
                let holder = read.map_or_else(|| "a daemon that has not given its name yet".to_owned(), |_| holder);
                Err(OpenError::Locked { folder: folder.to_owned(), holder: holder.trim().to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(io_error(source)),
        }
    }
}

fn introduce_ourselves(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "pid {} on {} since {}", std::process::id(), host_name(), SystemClock.now())?;
    file.sync_all()
}
