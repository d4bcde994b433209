//! Files that are whole or not there: written under another name, then renamed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

/// More unfinished files of one name than this are no coincidence.
const MAX_UNFINISHED: u32 = 1000;

/// Writes a file, such that at every moment the old file or the new one lies under `path`, whole:
/// on a full disk, an error of `write` or a power failure the old one stays.
///
/// The numbers go to a temporary file in the same folder, which is flushed, synchronised with the
/// disk, and renamed. A symbolic link is replaced, not followed.
///
/// # Errors
/// What `write` says, or the operating system.
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let path = path.as_ref();
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidInput, "expected the name of a file, found a folder")
    })?;
    // The parent of a bare name is the empty path.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let (unfinished, file) = Unfinished::create(folder, name)?;
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    let file = writer.into_inner()?;
    file.sync_all()?;
    drop(file); // Some systems do not rename an open file.
    unfinished.rename(path)?;
    synchronise_folder(folder)
}

/// A temporary file, which goes with this unless it was renamed.
struct Unfinished {
    path: PathBuf,
    renamed: bool,
}

impl Unfinished {
    /// A new file beside `name`, under the first name that is free.
    fn create(folder: &Path, name: &OsStr) -> io::Result<(Self, File)> {
        let mut number = 0_u32;
        loop {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{number}.tmp"));
            let path = folder.join(hidden);
            match File::create_new(&path) {
                Ok(file) => return Ok((Self { path, renamed: false }, file)),
                Err(error)
                    if error.kind() != ErrorKind::AlreadyExists || number == MAX_UNFINISHED =>
                {
                    return Err(error);
                }
                Err(_) => number += 1,
            }
        }
    }

    fn rename(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that led here is worth more than one of removing the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a renaming last through a power failure.
#[cfg(unix)]
fn synchronise_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems cannot open a folder as a file, and need not.
#[cfg(not(unix))]
fn synchronise_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        for text in ["first", "second"] {
            write_atomically(&path, |file| file.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn the_old_file_stays_where_writing_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let error = write_atomically(&path, |file| {
            file.write_all(&vec![0; 100_000])?;
            assert_eq!(fs::read_to_string(&path)?, "old", "while the new one is being written");
            Err(ErrorKind::StorageFull.into())
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["a.txt"], "the temporary file is gone");
    }

    #[test]
    fn a_temporary_file_of_someone_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join(".a.txt.0.tmp");
        fs::write(&other, "theirs").unwrap();
        write_atomically(folder.path().join("a.txt"), |file| file.write_all(b"ours")).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let fail = |path: &Path| write_atomically(path, |_| Ok(())).is_err();
        assert!(fail(Path::new("")) && fail(Path::new("/")) && fail(Path::new("..")));
        assert!(fail(&folder.path().join("nowhere").join("a.txt")));
        let taken = folder.path().join("folder");
        fs::create_dir(&taken).unwrap();
        assert!(fail(&taken));
        assert_eq!(names(folder.path()), ["folder"]);
    }
}
