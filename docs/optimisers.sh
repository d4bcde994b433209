#!/bin/sh
# Makes the figure and the times of optimisers.md: 84 trainings on one core each, two at a time.
set -e
cd "$(dirname "$0")/.."
cargo build --release --package jetspace-cli
train() {
    target/release/jetspace run "optimisers-$1" --threads 1 --out "runs/optimisers/$1" >/dev/null
}
train poisson-2d & train allen-cahn; wait
train burgers & train kdv; wait
cd runs/optimisers
../../target/release/jetspace compare poisson-2d allen-cahn burgers kdv \
    --out ../../docs/figures/optimisers.svg
