"""The PySpark kernel of HopsLab, on sparkmagic. It runs in the project environment, beside users' code."""

__version__ = "0.1.0"
