"""The process of an interactive session: an IPython kernel with ``spark`` and ``sc``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .jvm import Jvm, JvmEndedError


def run(launch: dict[str, Any], jvm: Jvm) -> None:
    """Serves the kernel until it is shut down."""
    from tornado.ioloop import IOLoop  # noqa: PLC0415 - the Java machine starts beside these imports

    from . import prompt_stream  # noqa: PLC0415
    from .bounded_messages import BoundedSession  # noqa: PLC0415
    from .session_app import SessionApp  # noqa: PLC0415
    from .session_kernel import SessionKernel  # noqa: PLC0415
    from .spool import Spool  # noqa: PLC0415

    app = SessionApp.instance(
        kernel_class=SessionKernel,
        connection_file=launch["connection_file"],
        # What the Java machine writes belongs into the session's log, not into the output of the running cell.
        capture_fd_output=False,
        # Users' start-up files of another environment have no place here, nor has a history in a file.
        exec_files=[],
        outstream_class=prompt_stream.NAME,
    )
    app.session = BoundedSession(parent=app)
    app.session.spool = Spool(Path(launch["outputs"]))
    app.config.HistoryManager.enabled = False
    # traitlets lets each logger make all debug records and its handler drop them: 4 % of a small statement.
    app.log.setLevel(app.log_level)
    # The live objects know their names; analysing the source as well takes hundreds of milliseconds at first.
    app.config.IPCompleter.use_jedi = False
    app.initialize([f"--ipython-dir={launch['ipython_folder']}"])
    jvm.status.tell("kernel_bound")
    try:
        spark = _start_spark(jvm)
    except JvmEndedError as error:
        jvm.status.tell("failed", reason=str(error), jvm_code=error.code)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, the service must be told why there is no session
        jvm.status.tell("failed", reason=_short(error))
        sys.exit(1)
    from . import magics, pages, warmup  # noqa: PLC0415
    from .completion import let_spark_be_completed  # noqa: PLC0415
    from .library_noise import keep_errors_out_of_output  # noqa: PLC0415

    keep_errors_out_of_output()
    magics.register(app.shell, spark)
    magics.show_frames_once(app.shell)
    let_spark_be_completed(app.shell)
    app.kernel.follow_jobs(spark)
    app.kernel.end_with(spark, jvm.end)
    # Old notebooks know the session as ``sqlContext``: the methods that they use have the same names.
    page_port = pages.port_of(spark)
    pages.lead_to(launch["page_path"])
    pages.keep_links(spark)
    app.shell.push({"spark": spark, "sc": spark.sparkContext, "sqlContext": spark}, interactive=False)
    if launch["warm"]:
        warmup.run(spark)
    # Requests that come before the kernel's loop runs may be overlooked until the next one comes.
    application = spark.sparkContext.applicationId
    details = {"version": spark.version, "application": application, "page_port": page_port}
    IOLoop.current().add_callback(jvm.status.tell, "ready", **details)
    app.start()


def _start_spark(jvm: Jvm) -> Any:
    from pyspark.sql import SparkSession  # noqa: PLC0415

    jvm.connect()
    try:
        return SparkSession.builder.getOrCreate()
    finally:
        jvm.forget_gateway()


def _short(error: Exception) -> str:
    java_exception = getattr(error, "java_exception", None)
    text = str(error) if java_exception is None else str(java_exception.toString())
    return text.strip().partition("\n")[0][:500] or type(error).__name__
