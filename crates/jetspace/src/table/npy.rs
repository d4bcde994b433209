//! One array of one axis in NumPy's format (NEP 1, `numpy.lib.format`): a header that says type and
//! shape as a Python dictionary, then the numbers.
//!
//! The header is read here because the crates that do so parse any Python literal, recursively: a
//! hostile header would overflow the stack.

use std::io::{self, ErrorKind, Read, Write};

use super::{ArrayProblem, beginning};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Length of the text in the headers that are written. With what stands before it, it makes up 128
/// bytes, as NumPy's: numbers are to be aligned to 64.
const TEXT: u16 = 118;
/// Longest header that is read, in bytes: ten times what NumPy reads without being told to.
const MAX_HEADER: u32 = 100_000;
/// Numbers read or written at once.
const CHUNK: usize = 4096;

/// Reads an array of at most `budget` bytes of numbers, and takes them off the budget.
pub(super) fn read(file: &mut impl Read, budget: &mut u64) -> Result<Vec<f64>, ArrayProblem> {
    let header = read_header(file)?;
    let Description { kind, shape } = Cursor { rest: &header }
        .description()
        .ok_or(ArrayProblem::Header("no dictionary of descr, fortran_order and shape"))?;
    let &[expected] = &shape[..] else {
        return Err(ArrayProblem::Axes { found: shape.len() });
    };
    let size = match kind {
        "<f8" | "<i8" => 8,
        "<f4" => 4,
        _ => return Err(ArrayProblem::Type { found: beginning(kind) }),
    };
    let rest = expected.checked_mul(size).and_then(|bytes| budget.checked_sub(bytes));
    *budget = rest.ok_or(ArrayProblem::Expansion { expected })?;
    match kind {
        "<f8" => read_numbers(file, expected, |bytes| Ok(f64::from_le_bytes(bytes))),
        "<f4" => read_numbers(file, expected, |bytes| Ok(f64::from(f32::from_le_bytes(bytes)))),
        _ => read_numbers(file, expected, |bytes| from_integer(i64::from_le_bytes(bytes))),
    }
}

/// The `f64` of the same value, if there is one.
#[allow(clippy::cast_possible_truncation)] // Whether the cast is exact is the question.
fn from_integer(found: i64) -> Result<f64, ArrayProblem> {
    let x = found as f64;
    // Through 128 bits, as 2⁶³ does not fit into 64.
    if x as i128 == i128::from(found) { Ok(x) } else { Err(ArrayProblem::Integer { found }) }
}

/// Memory grows with what is there, not with what is announced.
fn read_numbers<const SIZE: usize>(
    file: &mut impl Read,
    expected: u64,
    convert: impl Fn([u8; SIZE]) -> Result<f64, ArrayProblem>,
) -> Result<Vec<f64>, ArrayProblem> {
    let mut bytes = vec![0; CHUNK * SIZE];
    let mut numbers = Vec::new();
    let mut missing = expected;
    while missing > 0 {
        let count = usize::try_from(missing).unwrap_or(CHUNK).min(CHUNK);
        let part = &mut bytes[..count * SIZE];
        file.read_exact(part).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => ArrayProblem::Length { expected, found: "fewer" },
            _ => ArrayProblem::Io(error),
        })?;
        for number in part.as_chunks::<SIZE>().0 {
            numbers.push(convert(*number)?);
        }
        missing -= count as u64;
    }
    // Reading to the end lets the archive compare its checksum, too.
    if file.read(&mut [0])? > 0 {
        return Err(ArrayProblem::Length { expected, found: "more" });
    }
    Ok(numbers)
}

/// The header's text, of format 1, 2 or 3.
fn read_header(file: &mut impl Read) -> Result<String, ArrayProblem> {
    let mut start = [0; 8];
    read_part(file, &mut start)?;
    let [magic @ .., major, _] = start;
    if &magic != MAGIC {
        return Err(ArrayProblem::Header("no \\x93NUMPY at its beginning"));
    }
    let mut length = [0; 4];
    match major {
        1 => read_part(file, &mut length[..2])?,
        2 | 3 => read_part(file, &mut length)?,
        _ => return Err(ArrayProblem::Header("a version above 3")),
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(ArrayProblem::Header("a header of more than 100000 bytes"));
    }
    let mut text = vec![0; length as usize];
    read_part(file, &mut text)?;
    String::from_utf8(text).map_err(|_| ArrayProblem::Header("a header that is not UTF-8"))
}

fn read_part(file: &mut impl Read, part: &mut [u8]) -> Result<(), ArrayProblem> {
    file.read_exact(part).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => ArrayProblem::Header("an end within the header"),
        _ => ArrayProblem::Io(error),
    })
}

/// What a header says; the order of axes does not matter where there is one.
struct Description<'a> {
    kind: &'a str,
    shape: Vec<u64>,
}

/// The part of a header that is still to be read.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }`, the keys in any order.
    fn description(&mut self) -> Option<Description<'a>> {
        let (mut kind, mut shape) = (None, None);
        self.token("{")?;
        while self.token("}").is_none() {
            let key = self.string()?;
            self.token(":")?;
            match key {
                "descr" => kind = Some(self.string()?),
                "fortran_order" => self.token("False").or_else(|| self.token("True"))?,
                "shape" => shape = Some(self.integers()?),
                _ => return None,
            }
            if self.token(",").is_none() && !self.rest.trim_start().starts_with('}') {
                return None;
            }
        }
        Some(Description { kind: kind?, shape: shape? })
    }

    /// Goes behind a token, if it is what comes next.
    fn token(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    /// A string without escapes, in either kind of quotes.
    fn string(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| ['\'', '"'].contains(c))?;
        let (string, rest) = rest.get(1..)?.split_once(quote)?;
        self.rest = rest;
        Some(string)
    }

    /// `()`, `(3,)`, `(3, 4)`.
    fn integers(&mut self) -> Option<Vec<u64>> {
        let mut integers = Vec::new();
        self.token("(")?;
        while self.token(")").is_none() {
            let rest = self.rest.trim_start();
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (digits, rest) = rest.split_at_checked(end)?;
            integers.push(digits.parse().ok()?);
            self.rest = rest;
            if self.token(",").is_none() && !self.rest.trim_start().starts_with(')') {
                return None;
            }
        }
        Some(integers)
    }
}

/// Writes an array of type `<f8`.
pub(super) fn write(file: &mut impl Write, numbers: &[f64]) -> io::Result<()> {
    let shape = numbers.len();
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape},), }}");
    file.write_all(MAGIC)?;
    file.write_all(&[1, 0])?;
    file.write_all(&TEXT.to_le_bytes())?;
    writeln!(file, "{text:<width$}", width = usize::from(TEXT) - 1)?;
    for part in numbers.chunks(CHUNK) {
        let bytes: Vec<u8> = part.iter().flat_map(|x| x.to_le_bytes()).collect();
        file.write_all(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        let length = if version == 1 { &length[..2] } else { &length[..] };
        [&MAGIC[..], &[version, 0], length, header.as_bytes(), data].concat()
    }

    fn read_all(file: &[u8]) -> Result<Vec<f64>, String> {
        read(&mut &file[..], &mut 1000).map_err(|problem| problem.to_string())
    }

    #[test]
    fn descriptions_may_be_laid_out_in_any_way() {
        let data: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        for header in [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }          \n",
            "{'shape': (2,), 'fortran_order': True, 'descr': '<f8'}",
            "  { \"descr\":\"<f8\" ,\n\"fortran_order\" : False,\"shape\":( 2 , ) , } ",
        ] {
            for version in [1, 2, 3] {
                assert_eq!(
                    read_all(&file(version, header, &data)),
                    Ok(vec![1.5, -2.0]),
                    "{header}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_description_is_an_error() {
        for header in [
            "",
            "{",
            "{}",
            "[]",
            "{'descr': '<f8', 'fortran_order': False}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-2,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
            "{'descr': '<f8' 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f8, 'fortran_order': False, 'shape': (2,)}",
            "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (2,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'more': 'x'}",
            &"(".repeat(60_000),
        ] {
            let error = read_all(&file(2, header, &[0; 16])).unwrap_err();
            assert!(error.contains("no dictionary"), "{header}: {error}");
        }
        for (bytes, expected) in [
            (&b""[..], "an end within"),
            (b"\x93NUMPX\x01\0", "no \\x93NUMPY"),
            (b"\x93NUMPY\x04\0", "a version above 3"),
            (b"\x93NUMPY\x02\0\xff\xff\xff\xff", "more than 100000"),
            (b"\x93NUMPY\x01\0\x05\0{", "an end within"),
            (b"\x93NUMPY\x01\0\x01\0\xff", "not UTF-8"),
        ] {
            let error = read_all(bytes).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn announced_sizes_are_not_believed() {
        let announced = |shape: &str| {
            let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
            read_all(&file(1, &header, &[0; 16])).map_err(|error| error[..30].to_owned())
        };
        assert_eq!(announced("(2,)"), Ok(vec![0.0; 2]));
        assert_eq!(announced("(1,)"), Err("expected 1 numbers, as its hea".to_owned()));
        assert_eq!(announced("(3,)"), Err("expected 3 numbers, as its hea".to_owned()));
        assert_eq!(announced("(126,)"), Err("126 numbers are too many for s".to_owned()));
        assert_eq!(announced(&format!("({},)", u64::MAX)).unwrap_err()[..10], *"1844674407");
        assert_eq!(announced("()"), Err("expected one axis, found 0: na".to_owned()));
        assert_eq!(announced("(1, 2)"), Err("expected one axis, found 2: na".to_owned()));
    }

    #[test]
    fn arrays_longer_than_a_chunk_are_whole() {
        let numbers: Vec<f64> = (0..2 * CHUNK + 3).map(|i| 1.0 / i as f64).collect();
        let mut file = Vec::new();
        write(&mut file, &numbers).unwrap();
        let mut budget = 8 * numbers.len() as u64 + 5;
        assert_eq!(read(&mut &file[..], &mut budget).unwrap(), numbers);
        assert_eq!(budget, 5);
    }
}
