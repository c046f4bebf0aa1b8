"""Invented people: for the `demo` command, the default model and the benchmarks."""
