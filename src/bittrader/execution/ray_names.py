"""What the daemon that starts a Ray node and the work that runs there must call alike."""

from __future__ import annotations

ALLOWANCE = "BITTRADER_ALLOWANCE"
"""The environment variable of the file that says how many cores are allowed."""
SYNCED = "BITTRADER_SYNCED"
"""That of the file that says where the owner's own strategies are."""
NODE_LABEL = "bittrader-node"
"""The label that says which of our nodes a Ray node is."""
NAME_LABEL = "bittrader-name"
"""The one that says what people call it."""
