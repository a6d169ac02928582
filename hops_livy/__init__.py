"""The Spark session service: Livy's REST protocol in front, Spark drivers behind."""

__version__ = "0.1.0"
