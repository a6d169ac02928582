"""What a data scientist imports in a session: ``from hops import experiment, hdfs, tensorboard``."""

from hops.version import __version__

__all__ = ["__version__"]
