"""`python -m bittrader`: the same as `bittrader`."""

from bittrader.cli import main

if __name__ == "__main__":
    main()
