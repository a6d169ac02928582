"""Spark masters beyond this machine: where executors run when drivers run here."""
