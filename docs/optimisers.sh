#!/bin/sh
# Makes the figure and the times of optimisers.md: 84 trainings on one core each, two at a time.
set -e
cd "$(dirname "$0")/.."
cargo build --release --package jetspace-cli
runs=runs/optimisers/$(date +%Y-%m-%dT%H-%M-%S)
train() {
    target/release/jetspace run "optimisers-$1" --threads 1 --out "$runs/$1" >/dev/null
}
train poisson-2d & train allen-cahn; wait
train burgers & train kdv; wait
target/release/jetspace compare "$runs/poisson-2d" "$runs/allen-cahn" "$runs/burgers" "$runs/kdv" \
    --out docs/figures/optimisers.svg
