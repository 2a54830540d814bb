"""How often the 95% intervals of `playworld scale` hold the truth, for laws that are known.

python benchmarks/power_laws.py --trials 200
"""

import argparse

import numpy as np

from playworld.studies.power_law import fit_with_intervals

LAWS = (
    # a, b, c, points, largest x as a multiple of the smallest
    (3.0, 0.2, 1.5, 4, 35),
    (3.0, 0.2, 1.5, 5, 35),
    (0.55, 0.3, 3.0, 5, 35),
    (2.0, 0.5, 2.0, 5, 35),
    (4.0, 0.2, 0.0, 5, 16),
    (2.0, 0.3, 1.0, 10, 1_000),
)


def coverage(
    a: float, b: float, c: float, points: int, span: float, noise: float, trials: int
) -> np.ndarray:
    """Shares of trials whose intervals hold the exponent, and the loss at 10 times the last x."""
    rng, x = np.random.default_rng(0), np.geomspace(1, span, points)
    middle, far, held = span**0.5, 10 * span, []
    for trial in range(trials):
        law = a * (x / middle) ** -b + c
        losses = law * np.exp(noise * rng.standard_normal(points))
        fitted = fit_with_intervals(x, losses[:, None, None], draws=300, seed=trial)
        assert fitted is not None
        (_, low, high), (_, least, most) = fitted.exponent(), fitted.loss(far)
        # Exponents are tried in steps of 0.01.
        true = a * (far / middle) ** -b + c
        held.append((low - 1e-9 <= b <= high + 1e-9, least <= true <= most))
    return np.mean(held, axis=0)


def main() -> None:
    """Print a row for each law."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--noise", type=float, default=0.01, help="relative, of every point")
    asked = parser.parse_args()
    print(f"{'law':>28}{'points':>8}{'span':>7}{'exponent':>10}{'loss at 10x':>13}")
    for a, b, c, points, span in LAWS:
        exponent, loss = coverage(a, b, c, points, span, asked.noise, asked.trials)
        law = f"{a} (x / middle)^-{b} + {c}"
        print(f"{law:>28}{points:>8}{span:>7}{exponent:>10.1%}{loss:>13.1%}")


if __name__ == "__main__":
    main()
