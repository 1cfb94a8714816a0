"""
A learner of your own, with a bound of your own
===============================================

Whatever has a point ``x`` and an ``update(g)`` is a learner. One that states its bounds is held
against them as ours are: a bound that is violated is reported, and the command exits 1.
"""

# %%
# The learner
# -----------
# Gradient descent by the doubling trick: in epoch n = 1, 2, 4, … the rate is fixed,
# D/(G√n).

import oco


@oco.learner
class Doubling:
    def __init__(self, d, domain, gradient_bound):
        self.x, self.domain = domain.start(d), domain
        self.diameter, self.G = domain.diameter(d), gradient_bound
        self.n, self.left = 1, 1

    def update(self, g):
        rate = self.diameter / (self.G * self.n**0.5)
        self.x = self.domain.nearest(self.x - rate * g)
        self.left -= 1
        if not self.left:
            self.n *= 2
            self.left = self.n

    def diagnostics(self):
        return oco.algorithms.Diagnostics(
            potential=0.0,
            quadratic=0.0,
            squared_gradients=0.0,
            escaped_mass=None,
            travelled=None,
            state_bytes=self.x.nbytes,
        )


# %%
# Its bound
# ---------
# An epoch of n rounds costs at most D·G·√n: half of it for the distance, half for the
# gradients. The epochs are a geometric sequence, and their sum is at most (2 + √2)·D·G·√T.


def bound(factor):
    return oco.bounds.Rung(
        "doubling",
        f"{factor:.3g}·D·G·√T",
        None,
        lambda account: factor * account.diameter * account.gradient_bound * account.t**0.5,
    )


Doubling.bounds = (bound(2 + 2**0.5),)
result = oco.run(Doubling, stream="rademacher", loss="linear", d=10, T=4000)
print(result.summary.bounds[0].name, "holds:", result.summary.bounds[0].holds)
assert result.summary.bounds[0].holds

# %%
# A bound that is wrong
# ---------------------
# Had the sum been taken for a hundredth of that, the run would say where it breaks:

Doubling.bounds = (bound(0.01),)
refuted = oco.run(Doubling, stream="rademacher", loss="linear", d=10, T=4000)
print(refuted.summary.bounds[0].name, "holds:", refuted.summary.bounds[0].holds)
assert refuted.summary.bounds[0].holds is False

figure = oco.plots.regret(result)
