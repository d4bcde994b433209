//! After the first call, evaluation and adjoint allocate nothing.

#![allow(unsafe_code)] // An allocator cannot be written without.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use jetspace_expr::{Function, Graph, Program, Scratch, Symbol};
use jetspace_jet::InstructionSet;

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
fn programs_allocate_only_the_first_time() {
    let mut graph = Graph::new();
    let [x, k] = [Symbol::Coordinate(0), Symbol::Parameter(0)].map(|s| graph.symbol(s));
    let factors = Function::ALL.map(|function| graph.call(function, x));
    let product = graph.product(&factors);
    let power = graph.pow(x, k);
    let quotient = graph.div(product, power);
    let program = Program::compile(&graph, &[quotient]);
    let mut scratch = Scratch::<f64>::new(InstructionSet::best());
    let at = vec![0.5; 300];
    let (mut out, mut by_x, mut by_k) = (vec![0.0; 300], vec![0.0; 300], [0.0]);
    let mut call = |points: usize| {
        let mut evaluated = program
            .evaluate(&[&at[..points], &[2.0]], points, &mut scratch, &mut [&mut out[..points]])
            .unwrap();
        let mut wanted = [Some(&mut by_x[..points]), Some(&mut by_k[..])];
        evaluated.adjoint(&[&at[..points]], &mut wanted).unwrap();
    };
    call(300);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for points in [300, 7, 0, 1, 300] {
        call(points);
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before);
}
