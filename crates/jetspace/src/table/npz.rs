//! Tables as NumPy's archives: ZIP files that hold one array per column.

use std::io::{self, Read, Seek, SeekFrom, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{ArrayProblem, TableProblem, npy};
use crate::point_set::PointSet;

/// Arrays may take this much memory, whatever the size of the archive, …
const MAX_BYTES: u64 = 1 << 30;
/// … or this many times its size. Compressed constants could take 1000 times, all else far less.
const MAX_EXPANSION: u64 = 100;

pub(super) fn read(mut file: impl Read + Seek) -> Result<PointSet, TableProblem> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut budget = MAX_BYTES.max(size.saturating_mul(MAX_EXPANSION));
    let mut archive = ZipArchive::new(file).map_err(problem)?;
    if archive.has_duplicate_names() {
        return Err(TableProblem::Archive("two arrays of one name".to_owned()));
    }
    let mut points = PointSet::default();
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).map_err(problem)?;
        let name = entry.name().map_err(problem)?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else {
            return Err(TableProblem::Array { name, problem: ArrayProblem::NotAnArray });
        };
        let column = npy::read(&mut entry, &mut budget)
            .map_err(|problem| TableProblem::Array { name: name.to_owned(), problem })?;
        points.push(name, column)?;
    }
    Ok(points)
}

fn problem(error: ZipError) -> TableProblem {
    match error {
        ZipError::Io(error) => TableProblem::Io(error),
        other => TableProblem::Archive(other.to_string()),
    }
}

/// Not compressed, as `numpy.savez` does it: random digits hardly shrink.
pub(super) fn write(file: &mut (impl Write + Seek), points: &PointSet) -> io::Result<()> {
    let mut archive = ZipWriter::new(file);
    // Larger entries need the format's 64-bit fields.
    let is_large = size_of::<f64>() * points.len() >= (u32::MAX / 2) as usize;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(is_large);
    for (name, column) in points.names().iter().zip(points.columns()) {
        archive.start_file(format!("{name}.npy"), options)?;
        npy::write(&mut archive, column)?;
    }
    archive.finish()?;
    Ok(())
}
