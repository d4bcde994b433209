#!/usr/bin/env python3
"""Seconds to the error that PyTorch's L-BFGS and JAX's Adam end with: same problem, network and points.

  python3 time_to_error.py --jetspace ../../target/release/jetspace [--problem poisson-2d,allen-cahn]

For each problem this draws points, lets Jetspace train from three seeds on them, checks that PyTorch
and JAX compute Jetspace's loss at Jetspace's final weights, lets them train from as many seeds, and
prints a table in Markdown. All run in turn, in f64, on the same number of threads. Both peers get the
Laplacian in its cheapest known form, carried forward layer by layer by hand, and compiled (JAX). It
needs torch, jax and optax.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ARGUMENTS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
ARGUMENTS.add_argument("--jetspace", default="../../target/release/jetspace")
ARGUMENTS.add_argument("--problem", default="poisson-2d,allen-cahn")
ARGUMENTS.add_argument("--seeds", type=int, default=3)
ARGUMENTS.add_argument("--threads", type=int, default=2)
ARGUMENTS.add_argument("--lbfgs", type=int, default=3000, help="iterations of L-BFGS, after 500 steps of Adam")
ARGUMENTS.add_argument("--adam", type=int, default=20000, help="steps of Adam, with cosine decay")
A = ARGUMENTS.parse_args()
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(A.threads)
os.environ.update(JAX_PLATFORMS="cpu", JAX_ENABLE_X64="1", CUDA_VISIBLE_DEVICES="")

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

torch.set_num_threads(A.threads)
torch.set_default_dtype(torch.float64)
PI = np.pi
RATE = 5e-3

# Residuals as the problem files have them; sources follow from the solutions.
PROBLEMS = {
    "poisson-2d": dict(
        low=0.0, points=600, edge=60, hidden=[30, 30], steps=3000,
        residual=lambda u, laplacian, f: -laplacian - f,
        source=lambda x, y: 2 * PI**2 * np.sin(PI * x) * np.sin(PI * y)),
    "allen-cahn": dict(
        low=-1.0, points=1000, edge=100, hidden=[25, 25], steps=3000,
        residual=lambda u, laplacian, f: 0.01 * laplacian - u + u**3 - f,
        source=lambda x, y: (-0.02 * PI**2 - 1) * np.sin(PI * x) * np.sin(PI * y)
        + (np.sin(PI * x) * np.sin(PI * y)) ** 3),
}


def truth(x, y):
    return np.sin(PI * x) * np.sin(PI * y)


def points_of(problem):
    """Points inside, and on the edges."""
    generator = np.random.default_rng(0)
    low, count = problem["low"], problem["edge"]
    inside = low + (1 - low) * generator.random((problem["points"], 2))
    sides = []
    for axis in (0, 1):
        for end in (low, 1.0):
            side = low + (1 - low) * generator.random((count, 2))
            side[:, axis] = end
            sides.append(side)
    return inside, np.concatenate(sides)


def jetspace(name, problem, folder):
    """Trains; results, and the final weights of the first seed, layer by layer."""
    inside, edge = points_of(problem)
    for file, points in (("inside.csv", inside), ("edge.csv", edge)):
        np.savetxt(folder / file, points, delimiter=",", header="x,y", comments="", fmt="%.17g")
    study = f'''
title = "{name} on given points"
problem = "{name}"
methods = ["pinn"]
seeds = {list(range(A.seeds))}
network = {{ hidden = {problem["hidden"]} }}
points.interior = {{ sampler = "file", path = "inside.csv" }}
points.conditions.edges = {{ sampler = "file", path = "edge.csv" }}
evaluation = {{ grid = [101, 101], every = 20 }}
[[optimizer]]
method = "adam"
rate = {RATE}
steps = 500
[[optimizer]]
method = "ssbroyden"
steps = {problem["steps"]}
'''
    (folder / "study.toml").write_text(study)
    out = folder / "run"
    command = [A.jetspace, "run", folder / "study.toml", "--out", out, "--threads", str(A.threads)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results = json.loads((out / "results.json").read_text())
    for result in results:
        lines = (out / f"pinn-{result['seed']}" / "metrics.jsonl").read_text().splitlines()
        measured = [line for line in map(json.loads, lines) if line.get("event") == "measured"]
        trace = [(line["seconds"], line["metrics"]["relative"]) for line in measured]
        result["trace"] = trace + [(result["seconds"], result["metrics"]["relative"])]
    return results, read_weights(out / "pinn-0" / "model.safetensors")


def read_weights(path):
    """(weight, bias) of each layer from a safetensors file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])

    def array(name):
        first, last = header[name]["data_offsets"]
        values = np.frombuffer(data[8 + length + first:8 + length + last])
        return values.reshape(header[name]["shape"])

    layers = sum(name.endswith(".weight") for name in header)
    return [(array(f"layers.{n}.weight"), array(f"layers.{n}.bias")) for n in range(layers)]


def forward(library, layers, points):
    """u and its Laplacian at points, carried through the layers together."""
    value = points
    slopes = [library.zeros_like(points) + library.eye(2)[i] for i in (0, 1)]
    laplacian = library.zeros_like(points)
    for number, (weight, bias) in enumerate(layers):
        value = value @ weight.T + bias
        slopes = [slope @ weight.T for slope in slopes]
        laplacian = laplacian @ weight.T
        if number + 1 < len(layers):
            value = library.tanh(value)
            first = 1 - value**2
            squares = slopes[0] ** 2 + slopes[1] ** 2
            laplacian = first * laplacian - 2 * value * first * squares
            slopes = [first * slope for slope in slopes]
    return value[:, 0], laplacian[:, 0]


def loss_of(library, problem, inside, edge, source):
    def loss(layers):
        u, laplacian = forward(library, layers, inside)
        on_edge = forward_value(library, layers, edge)
        return (problem["residual"](u, laplacian, source) ** 2).mean() + (on_edge**2).mean()
    return loss


def forward_value(library, layers, points):
    value = points
    for number, (weight, bias) in enumerate(layers):
        value = value @ weight.T + bias
        value = library.tanh(value) if number + 1 < len(layers) else value
    return value[:, 0]


def start(problem, seed):
    """Glorot's uniform weights, biases zero."""
    generator = np.random.default_rng(seed)
    sizes = [2, *problem["hidden"], 1]
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        bound = np.sqrt(6 / (inputs + outputs))
        layers.append((generator.uniform(-bound, bound, (outputs, inputs)), np.zeros(outputs)))
    return layers


def relative_error(problem, layers):
    nodes = np.linspace(problem["low"], 1, 101)
    x, y = (axis.ravel() for axis in np.meshgrid(nodes, nodes, indexing="ij"))
    u = forward_value(np, [(np.asarray(w), np.asarray(b)) for w, b in layers], np.stack([x, y], 1))
    return np.linalg.norm(u - truth(x, y)) / np.linalg.norm(truth(x, y))


def train_torch(problem, loss, seed):
    layers = [tuple(torch.tensor(part, requires_grad=True) for part in layer) for layer in start(problem, seed)]
    parameters = [part for layer in layers for part in layer]
    started = time.perf_counter()
    adam = torch.optim.Adam(parameters, lr=RATE)
    for _ in range(500):
        adam.zero_grad()
        loss(layers).backward()
        adam.step()
    lbfgs = torch.optim.LBFGS(parameters, max_iter=A.lbfgs, max_eval=10**9, history_size=100,
                              line_search_fn="strong_wolfe", tolerance_grad=0, tolerance_change=0)

    def closure():
        lbfgs.zero_grad()
        value = loss(layers)
        value.backward()
        return value

    lbfgs.step(closure)
    seconds = time.perf_counter() - started
    return seconds, relative_error(problem, [tuple(part.detach() for part in layer) for layer in layers])


def train_jax(problem, loss, seed):
    layers = [tuple(map(jnp.asarray, layer)) for layer in start(problem, seed)]
    adam = optax.adam(optax.cosine_decay_schedule(RATE, A.adam))

    @jax.jit
    def steps(layers, state):
        def step(carry, _):
            layers, state = carry
            updates, state = adam.update(jax.grad(loss)(layers), state)
            return (optax.apply_updates(layers, updates), state), None
        return jax.lax.scan(step, (layers, state), None, length=1000)[0]

    state = adam.init(layers)
    compiled = steps.lower(layers, state).compile()
    started = time.perf_counter()
    for _ in range(A.adam // 1000):
        layers, state = compiled(layers, state)
    jax.block_until_ready(layers)
    return time.perf_counter() - started, relative_error(problem, layers)


def check_losses(name, losses, weights, expected):
    """All three compute the same number at the same weights."""
    as_torch = [tuple(map(torch.tensor, layer)) for layer in weights]
    as_jax = [tuple(map(jnp.asarray, layer)) for layer in weights]
    for peer, layers in (("torch", as_torch), ("jax", as_jax)):
        found = float(losses[peer](layers))
        # Residuals are differences of numbers of size 1, of which 16 digits are known.
        if abs(found - expected) > 1e-6 * expected + 1e-15:
            raise SystemExit(f"{name}: {peer} has a loss of {found}, Jetspace of {expected}")


def seconds_to(results, error):
    """Of each seed the time to an error; infinite if it is never reached."""
    def first(trace):
        return next((seconds for seconds, found in trace if found <= error), float("inf"))
    return statistics.median(first(result["trace"]) for result in results)


def main():
    print("| problem | peer | its error, median (range) | its seconds | Jetspace's seconds to that error | ratio |")
    print("|---|---|---|---|---|---|")
    for name in A.problem.split(","):
        problem = PROBLEMS[name]
        with tempfile.TemporaryDirectory() as folder:
            results, weights = jetspace(name, problem, Path(folder))
        inside, edge = points_of(problem)
        source = problem["source"](inside[:, 0], inside[:, 1])
        losses = {
            "torch": loss_of(torch, problem, *map(torch.tensor, (inside, edge, source))),
            "jax": loss_of(jnp, problem, *map(jnp.asarray, (inside, edge, source))),
        }
        check_losses(name, losses, weights, results[0]["loss"])
        peers = (("PyTorch, Adam then L-BFGS", train_torch, losses["torch"]), ("JAX, Adam", train_jax, losses["jax"]))
        for peer, train, loss in peers:
            seconds, errors = zip(*(train(problem, loss, seed) for seed in range(A.seeds)))
            error, time_of = statistics.median(errors), statistics.median(seconds)
            ours = seconds_to(results, error)
            print(f"| {name} | {peer} | {error:.1e} ({min(errors):.1e}–{max(errors):.1e}) | {time_of:.1f} "
                  f"| {ours:.2f} | {time_of / ours:.0f} |", flush=True)
        error = statistics.median(result["metrics"]["relative"] for result in results)
        time_of = statistics.median(result["seconds"] for result in results)
        print(f"| {name} | (Jetspace, Adam then self-scaled Broyden) | {error:.1e} | {time_of:.1f} | | |", flush=True)


main()
