"""Measured claims that take too long for the tests; ``make study`` writes docs/studies."""
