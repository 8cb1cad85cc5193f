"""Which parameters, and what was found. Called, it is the function `optimize.search.optimize`."""

import sys

from bittrader import CallablePackage

sys.modules[__name__].__class__ = CallablePackage
