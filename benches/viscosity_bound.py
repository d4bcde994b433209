"""What 20 noisy values can tell about the viscosity of Burgers' equation, whatever the method.

The bound of Cramér and Rao for the standard deviation of ln ν: σ / √Σ (∂u/∂ ln ν)², over 200 draws of 20
uniform points of the box, with σ = 0.01. u is Cole's and Hopf's solution from −sin πx, by the trapezoidal
rule; its slope is a central difference. Needs NumPy: python3 benches/viscosity_bound.py
"""

import numpy as np

NU, SIGMA, VALUES, DRAWS, STEP = 0.01 / np.pi, 0.01, 20, 200, 1.05


def burgers(t, x, nu):
    """u = −∫ sin π(x−y) w dy / ∫ w dy with w = exp(−cos π(x−y) / 2πν − y² / 4νt)."""
    y = np.linspace(-1, 1, 40001) * min(3.0, 12 * np.sqrt(2 * nu * t) + 1.5)
    exponent = -np.cos(np.pi * (x - y)) / (2 * np.pi * nu) - y**2 / (4 * nu * t)
    weight = np.exp(exponent - exponent.max())
    return -(np.sin(np.pi * (x - y)) * weight).sum() / weight.sum()


def bound(points):
    slopes = [
        (burgers(t, 2 * x - 1, NU * STEP) - burgers(t, 2 * x - 1, NU / STEP)) / (2 * np.log(STEP))
        for t, x in points
    ]
    return SIGMA / np.sqrt(np.sum(np.square(slopes)))


random = np.random.default_rng(0)
bounds = [bound(random.uniform(size=(VALUES, 2))) for _ in range(DRAWS)]
low, median, high = np.quantile(bounds, [0.25, 0.5, 0.75])
print(f"standard deviation of ln ν: median {median:.2f}, quartiles {low:.2f} and {high:.2f}")
