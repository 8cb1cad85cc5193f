"""The strategies that come with us, one file each: `sma_cross.py` is `sma-cross`."""
