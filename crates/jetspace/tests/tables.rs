//! Tables as files: round trips, NumPy's files (made by `fixtures/numpy_tables.py`), and files that
//! are not what they should be.

use std::fs;
use std::path::{Path, PathBuf};

use jetspace::point_set::PointSet;
use jetspace::table;
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// What reading a file with these contents ends in, an error as its text without the path.
fn read(name: &str, contents: &[u8]) -> Result<PointSet, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    table::read(&path).map_err(|error| {
        let text = error.to_string();
        let path = format!("{}: ", path.display());
        text.strip_prefix(&path).expect("an error begins with its file").to_owned()
    })
}

fn read_csv(contents: impl AsRef<[u8]>) -> Result<PointSet, String> {
    read("a.csv", contents.as_ref())
}

/// The bytes that a point set is written as.
fn written(name: &str, points: &PointSet) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    table::write(&path, points).unwrap();
    fs::read(path).unwrap()
}

fn bits(points: &PointSet) -> Vec<Vec<u64>> {
    let column = |column: &Vec<f64>| column.iter().map(|x| x.to_bits()).collect();
    points.columns().iter().map(column).collect()
}

fn two_columns() -> PointSet {
    PointSet::new([("x", vec![0.5, -1.0, 3.0]), ("u_x", vec![1e-3, 0.1, f64::NEG_INFINITY])])
        .unwrap()
}

#[test]
fn csv_is_what_people_expect() {
    let text = String::from_utf8(written("a.csv", &two_columns())).unwrap();
    assert_eq!(text, "x,u_x\n0.5,0.001\n-1.0,0.1\n3.0,-inf\n");
    // White space, line ends, quotes, an empty line, a byte order mark, no line end at the end.
    for same in [
        "x, u_x\r\n 0.5 ,1e-3\r\n-1,\t1E-1\r\n3,-Infinity",
        "\u{feff}\nx,u_x\n\n0.5,.001\n-1,+0.1\n\n3,-inf\n\n",
        "\"x\",\"u_x\"\n\"0.5\",\"0.001\"\n-1,0.1\n3.,-inf\n",
    ] {
        assert_eq!(read_csv(same).as_ref(), Ok(&two_columns()), "{same:?}");
    }
    assert!(read_csv("x\n").unwrap().is_empty());
    assert!(read_csv("x\nNaN\n").unwrap().columns()[0][0].is_nan());
}

#[test]
fn csv_errors_say_where_and_what() {
    for (text, expected) in [
        ("", "expected at least one column, found none"),
        (
            "x,u\r\n1,2\r\n\r\n3,4;5\r\n",
            "line 4, column 2 (u): expected a number such as -1.5e-3, found \"4;5\"; cells are separated by commas",
        ),
        (
            "x,u\n1,\n",
            "line 2, column 2 (u): expected a number such as -1.5e-3, found \"\"; cells are separated by commas",
        ),
        ("x,u\n1,2\n3\n", "line 3: expected 2 cells, one per name in the first line, found 1"),
        ("x,u\n1,2,3\n", "line 2: expected 2 cells, one per name in the first line, found 3"),
        ("x,u,x\n1,2,3\n", "column \"x\" is there twice: rename one of them"),
    ] {
        assert_eq!(read_csv(text), Err(expected.to_owned()), "{text:?}");
    }
    assert!(read_csv("x,,u\n1,2,3\n").unwrap_err().starts_with("\"\" cannot name a column"));
    assert!(read_csv(b"x\n\xff\n").unwrap_err().starts_with("line 2: expected text in UTF-8"));
    let long = format!("x\n{}\n", "a".repeat(1_000_000));
    assert!(read_csv(long).unwrap_err().len() < 200, "an error shows the beginning");
}

#[test]
fn numpy_files_are_read() {
    for name in ["stored.npz", "compressed.npz"] {
        let points = table::read(fixture(name)).unwrap();
        assert_eq!(points.names(), ["x", "u", "n"]);
        assert_eq!(points.columns()[0], [0.1, -2.5, 1e300, f64::INFINITY]);
        assert_eq!(points.columns()[1], [1.5, -0.25, 3.0, f64::from(1e-40_f32)]);
        assert_eq!(points.columns()[2], [0.0, -7.0, 2_f64.powi(53), -(2_f64.powi(63))]);
    }
}

#[test]
fn numpy_writes_the_same_array() {
    // The archive's fields differ, the array in it does not.
    let x = table::read(fixture("stored.npz")).unwrap().column("x").unwrap().to_vec();
    let ours = written("a.npz", &PointSet::new([("x", x)]).unwrap());
    let numpys = fs::read(fixture("stored.npz")).unwrap();
    let array = |file: &[u8]| {
        let start = file.windows(6).position(|part| part == b"\x93NUMPY").unwrap();
        file[start..start + 128 + 4 * 8].to_vec()
    };
    assert_eq!(array(&ours), array(&numpys));
}

#[test]
fn other_archives_are_errors() {
    for (name, expected) in [
        (
            "matrix.npz",
            "array \"a\": expected one axis, found 2: name each column apart, or flatten it with ravel()",
        ),
        (
            "big_endian.npz",
            "array \"a\": expected numbers of type <f8, <f4 or <i8, found \">f8\": convert them with astype('<f8')",
        ),
        (
            "inexact.npz",
            "array \"a\": the integer 9007199254740993 is between two numbers of type f64: give it as float64",
        ),
        (
            "duplicate.npz",
            "expected an archive as numpy.savez writes it, found otherwise: two arrays of one name",
        ),
        (
            "other.npz",
            "array \"readme.txt\": expected an entry whose name ends in .npy: keep other files apart",
        ),
    ] {
        let error = table::read(fixture(name)).unwrap_err();
        assert_eq!(error.problem.to_string(), expected);
    }
    assert!(read("a.npz", b"").is_err());
    assert!(read("a.npz", b"x,u\n1,2\n").is_err());
    // An archive without entries: the record of its end and nothing else.
    let empty = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    assert_eq!(read("a.npz", &empty), Err("expected at least one column, found none".to_owned()));
}

#[test]
fn damaged_archives_are_errors() {
    let whole = written("a.npz", &two_columns());
    for end in 0..whole.len() {
        assert!(read("a.npz", &whole[..end]).is_err(), "cut to {end} bytes of {}", whole.len());
    }
    let compressed = fs::read(fixture("compressed.npz")).unwrap();
    for file in [&whole, &compressed] {
        for place in 0..file.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 0x55;
            // Times and such may change; numbers may not.
            if let Ok(points) = read("a.npz", &damaged) {
                assert_eq!(bits(&points), bits(&read("a.npz", file).unwrap()), "byte {place}");
            }
        }
    }
}

#[test]
fn names_of_files_tell_their_format() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["points", "points.txt", ".csv"] {
        let path = folder.path().join(name);
        assert!(table::write(&path, &two_columns()).is_err(), "{name}");
        assert!(table::read(&path).is_err() && !path.exists());
    }
    let upper = folder.path().join("POINTS.CSV");
    table::write(&upper, &two_columns()).unwrap();
    assert_eq!(table::read(&upper).unwrap(), two_columns());
    assert!(table::read(folder.path().join("absent.csv")).is_err());
    assert!(table::write(folder.path().join("absent/a.npz"), &two_columns()).is_err());
    assert!(table::write(&upper, &PointSet::default()).is_err());
    assert_eq!(table::read(&upper).unwrap(), two_columns(), "the old file stays");
}

#[test]
fn the_same_points_give_the_same_file() {
    for name in ["a.csv", "a.npz"] {
        assert_eq!(written(name, &two_columns()), written(name, &two_columns()));
    }
}

/// Names and bits of all kinds.
fn point_sets() -> impl Strategy<Value = PointSet> {
    let name = "[a-z_ξ\"',.;=]([a-z_ξ\"',.;= ]{0,5}[a-z_ξ\"',.;=])?";
    let names = prop::collection::btree_set(name, 1..5);
    (names, 0_usize..30).prop_flat_map(|(names, len)| {
        let column = prop::collection::vec(any::<u64>().prop_map(f64::from_bits), len);
        let columns = prop::collection::vec(column, names.len());
        columns.prop_map(move |columns| PointSet::new(names.iter().cloned().zip(columns)).unwrap())
    })
}

proptest! {
    #[test]
    fn npz_keeps_all_bits(points in point_sets()) {
        let again = read("a.npz", &written("a.npz", &points)).unwrap();
        prop_assert_eq!(again.names(), points.names());
        prop_assert_eq!(bits(&again), bits(&points));
    }

    #[test]
    fn csv_keeps_all_bits_of_numbers(points in point_sets()) {
        let again = read("a.csv", &written("a.csv", &points)).unwrap();
        prop_assert_eq!(again.names(), points.names());
        for (again, column) in again.columns().iter().zip(points.columns()) {
            for (again, x) in again.iter().zip(column) {
                prop_assert!(again.to_bits() == x.to_bits() || again.is_nan() && x.is_nan());
            }
        }
    }

    #[test]
    fn any_bytes_end_in_points_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("a.csv", &bytes);
        let _ = read("a.npz", &bytes);
        let zip = [&b"PK\x03\x04"[..], &bytes, b"PK\x01\x02", &bytes, b"PK\x05\x06", &bytes].concat();
        let _ = read("a.npz", &zip);
    }
}
