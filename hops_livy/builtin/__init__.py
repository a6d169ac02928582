"""The built-in backend: each session is an IPython kernel process in the project's environment that owns a Spark driver."""
