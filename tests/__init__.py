"""The tests; `tests.oracle` is what many of them share."""
