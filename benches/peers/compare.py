#!/usr/bin/env python3
"""Times Jetspace and its peers on the same work, alternating, and prints a table.

  python3 compare.py --python PATH [--case A,B] [--dtype f32,f64] [--threads 1,2] [--rounds 2]

PATH is a Python interpreter that has torch, jax, optax and folx; this script itself needs none of
them. Before every run of a peer, Jetspace runs the same case, so that a machine that slows down
slows both. Jetspace's time is the median of its runs, a peer variant's the smallest of its runs;
the ratio is peer / Jetspace, above 1 where Jetspace is faster.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

TRAINING = ["A", "B", "C4", "C9", "D", "E", "F", "A32", "B64", "C9_64"]
INFERENCE = {"I_u": "u", "I_jets": "lap"}

# variant[:option]: `tuned` gives the peer a better malloc, `scan20` 20 steps per call.
TRAINING_VARIANTS = [
    "torch_func:tuned", "torch_autograd:tuned", "jax_grad:tuned",
    "jax_fwd_loop:tuned", "jax_fwdrev_loop:tuned", "jax_folx:tuned",
    "jax_taylor:tuned", "jax_taylor_sep", "jax_taylor_sep:tuned", "jax_taylor_sep:scan20",
    "jax_adjoint:tuned", "jax_adjoint:scan20", "jax_adjoint_sep", "jax_adjoint_sep:tuned",
    "torch_compile_autograd", "torch_compile_taylor", "torch_compile_adjoint",
]
INFERENCE_VARIANTS = {
    "I_u": ["torch_eager", "torch_compile", "jax_jit"],
    "I_jets": ["torch_func", "torch_autograd", "torch_compile", "jax_vmap", "jax_jet_loop",
               "jax_taylor", "jax_taylor_sep", "jax_folx"],
}

# Columns of the table: a name, and which variants it is the best of.
COLUMNS = [
    ("vmap(jacrev) PyTorch", lambda v: v.startswith("torch_func")),
    ("autograd chain PyTorch", lambda v: v.startswith("torch_autograd")),
    ("plain JAX", lambda v: v.startswith(("jax_grad", "jax_vmap", "jax_jit"))),
    ("best JAX", lambda v: v.startswith("jax")),
    ("best torch.compile", lambda v: v.startswith("torch_compile")),
]


def applies(variant, case):
    """Whether the peer has this variant for the case."""
    if case in INFERENCE:
        return True
    if "adjoint" in variant:
        return case != "E"
    if "folx" in variant:
        return case in ("B", "B64", "E", "F")
    return True


def words(text):
    return [word for word in text.split(",") if word]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="interpreter that has the peers")
    parser.add_argument("--jetspace", help="the binary to time [default: build it]")
    parser.add_argument("--case", type=words, default=TRAINING + list(INFERENCE))
    parser.add_argument("--dtype", type=words, default=["f32"])
    parser.add_argument("--threads", type=words, default=["1"])
    parser.add_argument("--variants", type=words, help="only these [default: all that may win]")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each variant")
    parser.add_argument("--seconds", default="0.5", help="time for each of Jetspace's runs")
    parser.add_argument("--core", type=int, help="pin all to this core and the following")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for a peer's run")
    parser.add_argument("--log", type=Path, help="append every result to this file, as JSON lines")
    return parser.parse_args()


def build():
    """Builds the binary and returns its path, as Cargo names it."""
    command = ["cargo", "build", "--release", "-p", "jetspace-cli",
               "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return next(m["executable"] for m in messages if m.get("executable"))


class Timer:
    def __init__(self, options):
        self.options = options
        self.binary = os.path.abspath(options.jetspace) if options.jetspace else build()

    def run(self, command, threads):
        """The last line that the command prints, as JSON; None if it fails."""
        options = self.options

        def pin():
            if options.core is not None:
                cores = range(options.core, options.core + int(threads))
                os.sched_setaffinity(0, {core % os.cpu_count() for core in cores})

        try:
            done = subprocess.run(command, cwd=HERE, capture_output=True, text=True,
                                  timeout=options.timeout, preexec_fn=pin)
        except subprocess.TimeoutExpired:
            print(f"timed out: {' '.join(command)}", file=sys.stderr)
            return None
        lines = done.stdout.strip().splitlines()
        if done.returncode or not lines:
            reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
            print(f"failed: {' '.join(command)}: {reason}", file=sys.stderr)
            return None
        result = json.loads(lines[-1])
        if options.log:
            with options.log.open("a") as log:
                log.write(json.dumps(result) + "\n")
        return result

    def jetspace(self, case, dtype, threads):
        return self.run([self.binary, "bench", "--json", "--case", case, "--dtype", dtype,
                         "--threads", threads, "--seconds", self.options.seconds], threads)

    def peer(self, variant, case, dtype, threads):
        """Milliseconds per step, or per million points; None if it fails."""
        impl, _, option = variant.partition(":")
        command = [self.options.python]
        if case in INFERENCE:
            command += ["bench_infer.py", "--what", INFERENCE[case]]
        else:
            command += ["bench_step.py", "--case", case, "--chunks", "6", "--max-s", "15"]
        command += ["--impl", impl, "--dtype", dtype, "--threads", threads]
        command += {"": [], "tuned": ["--tuned"], "scan20": ["--scan", "20"]}[option]
        if self.options.core is not None:
            command += ["--core", str(self.options.core)]
        result = self.run(command, threads)
        return result and result["ms_per_1e6" if case in INFERENCE else "ms"]


def compare(timer, case, dtype, threads):
    """One row of the table."""
    variants = timer.options.variants or INFERENCE_VARIANTS.get(case, TRAINING_VARIANTS)
    ours, peers = [], {}
    for _ in range(timer.options.rounds):
        for variant in variants:
            if not applies(variant, case):
                continue
            ours.append(timer.jetspace(case, dtype, threads))
            time = timer.peer(variant, case, dtype, threads)
            if time is not None:
                peers[variant] = min(time, peers.get(variant, time))
    ours = [result for result in ours if result]
    if not ours:
        return [case, dtype, threads] + ["–"] * (4 + len(COLUMNS))
    own = statistics.median(result["ms_per_step"] for result in ours)
    fraction = statistics.median(result["fraction_of_peak"] for result in ours)

    def best(of):
        times = [(time, variant) for variant, time in peers.items() if of(variant)]
        return min(times) if times else None

    def show(found):
        return f"{found[0]:.3g} ({found[0] / own:.2f}×)" if found else "–"

    winner = best(lambda _: True)
    row = [case, dtype, threads, f"{own:.4g}", f"{100 * fraction:.0f} %"]
    row += [f"{winner[1]} {winner[0]:.4g}", f"**{winner[0] / own:.2f}**"] if winner else ["–", "–"]
    return row + [show(best(of)) for _, of in COLUMNS]


def main():
    options = arguments()
    timer = Timer(options)
    head = ["case", "dtype", "threads", "Jetspace ms", "of peak", "best peer ms", "ratio"]
    head += [name for name, _ in COLUMNS]
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * 3 + "---:|" * 2 + "---|" + "---:|" * (1 + len(COLUMNS)), flush=True)
    for dtype in options.dtype:
        for threads in options.threads:
            for case in options.case:
                print("| " + " | ".join(compare(timer, case, dtype, threads)) + " |", flush=True)


if __name__ == "__main__":
    main()
