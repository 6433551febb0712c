"""Benchmarks: one command (``make bench``), ratios against alternatives in the same run, on servers of their own.

``reports`` makes what flows, ``servers`` what it flows through, ``flow`` and its neighbours measure, ``contenders`` are
the alternatives as programs of their own, ``__main__`` runs the rounds and writes ``build/bench.json`` and the table.
"""
