"""The built-in backend: each session is an IPython kernel process in the project's environment with a Spark driver."""
