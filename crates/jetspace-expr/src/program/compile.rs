//! From expressions to instructions.

use std::collections::HashMap;

use super::{Instruction, Program, Slot};
use crate::graph::Node;
use crate::{Graph, Id, Symbol};

impl Program {
    /// The program that evaluates these expressions, each part of them once.
    #[must_use]
    pub fn compile(graph: &Graph, outputs: &[Id]) -> Self {
        // A copy, to which the slopes of functions are added.
        let mut graph = graph.clone();
        let inputs = graph.symbols(outputs).into_iter().collect();
        let mut compiler = Compiler { inputs, ..Compiler::default() };
        compiler.compile(&graph, outputs);
        let forward = compiler.instructions.len();

        let calls =
            graph.reachable(outputs, |_| true).into_iter().filter_map(|id| match *graph.node(id) {
                Node::Call(function, argument) => Some((id, function, argument)),
                _ => None,
            });
        let calls: Vec<_> =
            calls.filter(|(_, function, _)| !function.is_piecewise_constant()).collect();
        for (id, function, argument) in calls {
            let derivative = function.derivative(&mut graph, argument);
            compiler.compile(&graph, &[derivative]);
            let derivative = compiler.slots[&derivative];
            if let Instruction::Call { slope, .. } = &mut compiler.instructions[compiler.slots[&id]]
            {
                *slope = Some(derivative);
            }
        }
        let outputs = outputs.iter().map(|id| compiler.slots[id]).collect();
        Self { instructions: compiler.instructions, forward, inputs: compiler.inputs, outputs }
    }
}

#[derive(Default)]
struct Compiler {
    inputs: Vec<Symbol>,
    instructions: Vec<Instruction>,
    /// Where the value of an expression is.
    slots: HashMap<Id, Slot>,
    /// Where a power of a value is.
    powers: HashMap<(Slot, i32), Slot>,
}

impl Compiler {
    /// Appends what the expressions need and is not there yet.
    fn compile(&mut self, graph: &Graph, expressions: &[Id]) {
        for id in graph.reachable(expressions, |_| true) {
            if self.slots.contains_key(&id) {
                continue;
            }
            let slot = match graph.node(id) {
                Node::Constant(value) => self.push(Instruction::Constant(value.get())),
                Node::Symbol(symbol) => {
                    let input = self.inputs.partition_point(|input| input < symbol);
                    self.push(Instruction::Input(input))
                }
                Node::Sum { constant, terms } => {
                    let terms = terms.iter().map(|(w, a)| (w.get(), self.slots[a])).collect();
                    self.push(Instruction::Sum { constant: constant.get(), terms })
                }
                Node::Product(factors) => self.product(factors),
                Node::Call(function, argument) => {
                    let (function, argument) = (*function, self.slots[argument]);
                    self.push(Instruction::Call { function, argument, slope: None })
                }
                Node::Binary(binary, a, b) => {
                    self.push(Instruction::Binary(*binary, self.slots[a], self.slots[b]))
                }
            };
            self.slots.insert(id, slot);
        }
    }

    fn push(&mut self, instruction: Instruction) -> Slot {
        self.instructions.push(instruction);
        self.instructions.len() - 1
    }

    /// A product as one quotient, its factors multiplied one after the other: each instruction's
    /// adjoint is then right where a factor is zero.
    fn product(&mut self, factors: &[(Id, i32)]) -> Slot {
        let (mut above, mut below) = (None, None);
        for &(a, n) in factors {
            let side = if n > 0 { &mut above } else { &mut below };
            let power = self.power(self.slots[&a], n.abs());
            *side = Some(match *side {
                Some(product) => self.push(Instruction::Multiply(product, power)),
                None => power,
            });
        }
        match (above, below) {
            (Some(above), Some(below)) => self.push(Instruction::Divide(above, below)),
            (Some(above), None) => above,
            (None, Some(below)) => self.power(below, -1),
            (None, None) => self.push(Instruction::Constant(1.0)),
        }
    }

    fn power(&mut self, base: Slot, exponent: i32) -> Slot {
        if exponent == 1 {
            return base;
        }
        if let Some(&slot) = self.powers.get(&(base, exponent)) {
            return slot;
        }
        let slot = self.push(Instruction::IntegerPower(base, exponent));
        self.powers.insert((base, exponent), slot);
        slot
    }
}
