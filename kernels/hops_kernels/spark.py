"""The process of the kernel *Spark* (Scala): ``python -m hops_kernels.spark -f CONNECTION_FILE``."""

from __future__ import annotations

from hops_kernels.light_imports import import_sparkmagic


def main() -> None:
    """Runs the kernel until it is shut down."""
    import_sparkmagic()
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - after the light import, which must come first

    from hops_kernels import prompt_stream  # noqa: PLC0415
    from hops_kernels.kernel import HopsSparkKernel  # noqa: PLC0415

    IPKernelApp.launch_instance(kernel_class=HopsSparkKernel, outstream_class=prompt_stream.NAME)


if __name__ == "__main__":
    main()
