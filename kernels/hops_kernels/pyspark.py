"""The process of the kernel *PySpark*: ``python -m hops_kernels.pyspark -f CONNECTION_FILE``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hops_kernels.light_imports import import_sparkmagic


def load_kernel() -> Callable[[Sequence[str] | None], None]:
    """Imports all that the kernel needs, and returns what runs it with a command line (``None``: this process's)."""
    import_sparkmagic()
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - after the light import, which must come first

    from hops_kernels import prompt_stream  # noqa: PLC0415
    from hops_kernels.kernel import HopsPySparkKernel  # noqa: PLC0415

    def run(arguments: Sequence[str] | None) -> None:
        IPKernelApp.launch_instance(argv=arguments, kernel_class=HopsPySparkKernel, outstream_class=prompt_stream.NAME)

    return run


def main() -> None:
    """Runs the kernel until it is shut down."""
    load_kernel()(None)


if __name__ == "__main__":
    main()
