"""What a strategy would have earned. Called, it is the function `backtest.run.backtest`."""

import sys

from bittrader import CallablePackage

sys.modules[__name__].__class__ = CallablePackage
