//! Named arrays in a file: safetensors, which Python reads too, written atomically and read with
//! suspicion.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use bytemuck::Pod;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::Error;
use crate::atomic_file::write_atomically;

/// The header's entry that holds names and texts, as JSON.
const HEADER: &str = "jetspace";

/// A number type that files can hold.
pub trait Element: Pod {
    /// Its name in the format.
    const DTYPE: Dtype;
}

impl Element for f32 {
    const DTYPE: Dtype = Dtype::F32;
}
impl Element for f64 {
    const DTYPE: Dtype = Dtype::F64;
}
impl Element for u64 {
    const DTYPE: Dtype = Dtype::U64;
}

/// Named arrays, and a few words about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors {
    /// Names and texts in the file's header.
    pub metadata: BTreeMap<String, String>,
    arrays: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl Tensors {
    /// Adds an array; `shape` must fit its length, and does so by construction of all callers.
    pub fn insert<E: Element>(&mut self, name: &str, shape: &[usize], values: &[E]) {
        let bytes = bytemuck::cast_slice(values).to_vec();
        self.arrays.insert(name.to_owned(), (E::DTYPE, shape.to_vec(), bytes));
    }

    /// An array of a type, if there is one of this name.
    #[must_use]
    pub fn get<E: Element>(&self, name: &str) -> Option<Vec<E>> {
        let (dtype, _, bytes) = self.arrays.get(name)?;
        (*dtype == E::DTYPE)
            .then(|| bytes.chunks_exact(size_of::<E>()).map(bytemuck::pod_read_unaligned).collect())
    }

    /// Writes all to a file, or leaves what was there.
    ///
    /// # Errors
    /// The operating system's.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let bad = |reason: String| Error::BadFile { path: path.to_owned(), reason };
        let views: Result<Vec<_>, Error> = self
            .arrays
            .iter()
            .map(|(name, (dtype, shape, bytes))| {
                let view = TensorView::new(*dtype, shape.clone(), bytes);
                Ok((name, view.map_err(|e| bad(format!("array {name:?}: {e}")))?))
            })
            .collect();
        // One entry, because the format keeps them in no order: the same model, the same bytes.
        let words = serde_json::to_string(&self.metadata).map_err(|e| bad(e.to_string()))?;
        let metadata = HashMap::from([(HEADER.to_owned(), words)]);
        let bytes =
            safetensors::serialize(views?, Some(metadata)).map_err(|e| bad(e.to_string()))?;
        write_atomically(path, |file| file.write_all(&bytes))
            .map_err(|e| Error::io("write", path, e))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is not in the format.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let bad = |e: safetensors::SafeTensorError| Error::BadFile {
            path: path.to_owned(),
            reason: format!("not a safetensors file: {e}"),
        };
        let file = SafeTensors::deserialize(&bytes).map_err(bad)?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(bad)?;
        let arrays = file.iter().map(|(name, view)| {
            (name.to_owned(), (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        });
        let words = header.metadata().as_ref().and_then(|entries| entries.get(HEADER));
        let metadata = words.and_then(|words| serde_json::from_str(words).ok()).unwrap_or_default();
        Ok(Self { metadata, arrays: arrays.collect() })
    }
}
