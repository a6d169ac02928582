"""What the library raises when something can't be done. The message says why, and what helps."""

from __future__ import annotations


class HopsError(RuntimeError):
    """Whatever the library raises of its own."""


class DatasetError(HopsError):
    """Something can't be done with a dataset: the platform refused, or does not answer."""


# Notebooks catch `DatasetError` where these two are raised now: until version 1 they are one as well.
class KafkaError(DatasetError):
    """Topics or brokers can't be told: the platform refused, or does not answer."""


class ProjectError(DatasetError):
    """Something can't be done in the project: the platform refused, or does not answer."""
