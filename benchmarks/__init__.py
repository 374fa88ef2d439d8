"""What cryptobt costs in time and memory, measured; ``make bench`` writes ``results.md``."""
