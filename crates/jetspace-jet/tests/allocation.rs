//! After the first call, a sweep on one thread allocates nothing.

#![allow(unsafe_code)] // An allocator cannot be written without.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use jetspace_jet::{
    Activation, Batch, CotangentTile, Engine, Initialisation, JetSet, JetTile, Network, Plan,
    Points, Strategy, Threads,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every request to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_sweep_allocates_only_the_first_time() {
    let network = Network::dense(2, &[20, 20], 1, Activation::Tanh).unwrap();
    let theta: Vec<f64> = network.initialise(Initialisation::PyTorch, 1);
    let at = vec![0.25; 2 * 3000];
    for strategy in [Strategy::Forward, Strategy::Adjoint] {
        let jets = JetSet::new(2).unwrap().with_order(2).unwrap();
        let plan = Plan::new(&network, &jets, strategy).unwrap();
        let loss = |jets: &JetTile<'_, f64>, out: &mut CotangentTile<'_, f64>| {
            out.component_mut(0, 3).copy_from_slice(jets.component(0, 3));
            jets.component(0, 3).iter().sum()
        };
        let mut engine = Engine::new(&network, Threads::single());
        let mut gradient = vec![0.0; theta.len()];
        let mut out = vec![0.0; jets.len() * 3000];
        let mut call = || {
            let points = Points::new(3000, &at);
            let batch = [Batch::new(&plan, points, &loss)];
            engine.gradient(&theta, &batch, &mut gradient).unwrap();
            engine.jets(&plan, &theta, points, &mut out).unwrap();
        };
        call();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        call();
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "{strategy:?}");
    }
}
