//! The texts that fuzzing starts from, variations of them, and random bytes, none of which may break
//! an invariant.

mod invariants;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/equation");
    let files = fs::read_dir(folder).unwrap();
    let mut seeds: Vec<String> =
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    seeds.sort();
    seeds
}

#[test]
fn seeds_keep_the_invariants() {
    let seeds = seeds();
    assert!(seeds.len() >= 20, "found {} seeds", seeds.len());
    for seed in seeds {
        invariants::check(&seed);
    }
}

proptest! {
    #[test]
    fn spliced_seeds_keep_the_invariants(
        texts in prop::collection::vec(prop::sample::select(seeds()), 2),
        cuts in prop::collection::vec(any::<Index>(), 4),
    ) {
        // A part of one text in place of a part of another.
        let part = |text: usize, from: &Index, to: &Index| {
            let characters: Vec<char> = texts[text].chars().collect();
            let (a, b) = (from.index(characters.len() + 1), to.index(characters.len() + 1));
            (a.min(b), a.max(b), characters)
        };
        let (start, end, inserted) = part(0, &cuts[0], &cuts[1]);
        let (before, after, around) = part(1, &cuts[2], &cuts[3]);
        let spliced = [&around[..before], &inserted[start..end], &around[after..]].concat();
        invariants::check(&String::from_iter(spliced));
    }

    #[test]
    fn random_bytes_keep_the_invariants(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        invariants::check(&String::from_utf8_lossy(&bytes));
    }
}
