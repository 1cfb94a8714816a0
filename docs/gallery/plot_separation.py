"""
Why the escaped mass is added back
==================================

Ada-FD forgets what its sketch lets go, and its certificate grows linearly in T unless its ridge δ
may be as large as one likes; S-AdaGrad's grows like √T.
"""

import oco

found = oco.reproduce.separation(T=4000, jobs=1)
figure = oco.plots.separation(found)
