//! Tables as comma-separated values: RFC 4180 without line ends in cells, which neither numbers nor
//! names have. White space around cells and empty lines do not matter.
//!
//! Read here and not by a library, because errors are to name the right line.

use std::borrow::Cow;
use std::io::{self, BufRead, Write};

use super::{TableProblem, beginning};
use crate::point_set::PointSet;

/// What some programs begin a file with.
const BYTE_ORDER_MARK: char = '\u{feff}';

pub(super) fn read(mut file: impl BufRead) -> Result<PointSet, TableProblem> {
    let mut names: Vec<String> = Vec::new();
    let mut columns = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let text = str::from_utf8(&bytes).map_err(|_| TableProblem::Encoding { line })?;
        let text = text.trim_start_matches(BYTE_ORDER_MARK).trim();
        if text.is_empty() {
            continue;
        }
        if names.is_empty() {
            names = cells(text).map(|cell| unquoted(cell).into_owned()).collect();
            columns = vec![Vec::new(); names.len()];
            continue;
        }
        let (expected, found) = (names.len(), cells(text).count());
        if expected != found {
            return Err(TableProblem::Row { line, expected, found });
        }
        for (place, (cell, column)) in cells(text).zip(&mut columns).enumerate() {
            column.push(unquoted(cell).parse().map_err(|_| TableProblem::Cell {
                line,
                column: place + 1,
                name: names.get(place).cloned().unwrap_or_default(),
                found: beginning(cell),
            })?);
        }
    }
    Ok(PointSet::new(names.into_iter().zip(columns))?)
}

/// What stands between the commas that are not in quotes.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let is_end = move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    line.split(is_end).map(str::trim)
}

/// A cell without its quotes.
fn unquoted(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) if quoted.contains('"') => quoted.replace("\"\"", "\"").into(),
        Some(quoted) => quoted.into(),
        None => cell.into(),
    }
}

/// Numbers as the shortest decimals that have the same bits.
pub(super) fn write(file: &mut impl Write, points: &PointSet) -> io::Result<()> {
    write_line(
        file,
        points.names().iter().map(|name| {
            let is_plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
            if is_plain { name.clone() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
        }),
    )?;
    for point in 0..points.len() {
        let numbers = points.columns().iter().filter_map(|column| column.get(point));
        write_line(file, numbers.map(|x| format!("{x:?}")))?;
    }
    Ok(())
}

fn write_line(file: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    for (place, cell) in cells.enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(file, "{comma}{cell}")?;
    }
    writeln!(file)
}
