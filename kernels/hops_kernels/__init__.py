"""The kernels PySpark and Spark of HopsLab, on sparkmagic. They run in the project environment, beside users' code."""

__version__ = "0.1.0"
