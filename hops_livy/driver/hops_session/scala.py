"""Scala in a session: the interpreter that ships with Spark, in the driver's own Java machine.

Laws:

1. Nothing is loaded before the first Scala statement, so that it costs other sessions nothing.
2. Code runs in a thread of its own; the main thread passes its output on and can be interrupted at any moment.
3. What code prints and what the interpreter says of its results is one text, in the order in which it came.
4. The compiler is free while code runs: a statement is compiled, run and recorded one after the other, and only for the
   first and the last of these is the compiler held.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .scala_help import ScalaHelp
from .scala_text import OutputFeed, Part, named_error, scala_error, statements
from .scala_values import ScalaValues, part, scala_object, taken
from .tables import TABLE, table

CLASSES_SETTINGS = ("spark.repl.class.outputDir", "spark.repl.class.uri")
"""Spark's settings for where the interpreter's classes lie, read at its start: the first where executors get them from
Spark's file server, which then makes an address of the second."""

_OPTIONS = ("-usejavacp", "-Yrepl-class-based", "-Wconf:cat=deprecation:s,cat=feature:s")
_IMPORTS = "\n".join(
    f"import {name}" for name in ("org.apache.spark.SparkContext._", "spark.implicits._", "spark.sql",
                                  "org.apache.spark.sql.functions._")
)  # fmt: skip
_BLOCK_BYTES = 64 * 1024
_MAGIC = re.compile(r"(?s)\A(?P<before>(?:.*\n)?)[ \t]*%(?P<name>json|table)[ \t]+(?P<value>[^\n]*?)\s*\Z")
_ROWS_OF_MAGICS = 10
_INTERRUPTED_S, _STOPPED_S, _STILL_BUSY_S = 3.0, 5.0, 30.0


@dataclass(slots=True)
class _Java:
    """The interpreter's parts in the Java machine."""

    interpreter: Any
    told: Any
    stream: Any
    loader: Any
    values: ScalaValues
    help: ScalaHelp


class ScalaRepl:
    """The Scala interpreter of one session.

    Args:
        spark: The session's ``SparkSession``; Scala code works with the same one.
    """

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self._jvm = spark.sparkContext._jvm  # noqa: SLF001 - there is no other way to it
        conf = spark.sparkContext.getConf()
        told = next(value for name in CLASSES_SETTINGS if (value := conf.get(name)))
        self._classes = told if told.startswith("/") else unquote(urlsplit(str(told)).path)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="hops-scala")
        self._busy = threading.Lock()
        self._compiling = threading.Lock()
        self._java: _Java | None = None
        self._thread: Any = None
        self._mark = f"\0{secrets.token_hex(16)}\n"
        self._drained = threading.Event()
        self._sink: queue.SimpleQueue[str | None] | None = None

    def run(self, code: str, show: Callable[[str], object], display: Callable[[dict[str, Any]], object]) -> None:
        """Runs ``code``; a last line ``%json x`` or ``%table x`` shows a value as Livy does.

        Args:
            code: Scala.
            show: Takes text while it is made.
            display: Takes a MIME bundle.

        Raises:
            ScalaError: The code is wrong or has failed.
            KeyboardInterrupt: It was interrupted.
        """
        magic = _MAGIC.match(code)
        before = code if magic is None else magic["before"]
        if before.strip():
            self._wait_for(lambda: self._interpret(before), show)
        if magic is not None:
            name, value = magic["name"], magic["value"]
            shown = self._wait_for(lambda: self._shown_by_magic(name, value), show)
            display(shown)

    def complete(self, code: str, cursor: int) -> tuple[int, list[str]]:
        """As :meth:`ScalaHelp.complete`; before the first statement no words, so that nothing is loaded for it."""
        return (cursor, []) if self._java is None else self._java.help.complete(code, cursor)

    def inspect(self, code: str, cursor: int) -> str:
        """As :meth:`ScalaHelp.inspect`; nothing before the first statement."""
        return "" if self._java is None else self._java.help.inspect(code, cursor)

    def _wait_for(self, work: Callable[[], Any], show: Callable[[str], object]) -> Any:
        if not self._busy.acquire(timeout=_STILL_BUSY_S):
            raise named_error(
                "Busy", "A Scala statement that was interrupted goes on: it looks at no interrupt. Python and SQL "
                "statements run beside it; to get rid of it restart the session.", [],
            )  # fmt: skip
        pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._sink = pieces
        try:
            future = self._worker.submit(work)
        except BaseException:
            self._busy.release()
            raise
        future.add_done_callback(lambda _future: self._ended(pieces))
        try:
            while (piece := pieces.get()) is not None:
                show(piece)
        except KeyboardInterrupt:
            self._stop(future)
            raise
        return future.result()

    def _ended(self, pieces: queue.SimpleQueue[str | None]) -> None:
        self._sink = None
        self._busy.release()
        pieces.put(None)

    def _stop(self, future: Future[Any]) -> None:
        """Ends the statement; its Spark jobs are cancelled by the kernel, which is also told of the interrupt."""
        if self._thread is None:
            return
        for way, patience_s in (("interrupt", _INTERRUPTED_S), ("stop", _STOPPED_S)):
            # Java from 20 on can't stop a thread that looks at no interrupt.
            with contextlib.suppress(Exception):
                getattr(self._thread, way)()
            with contextlib.suppress(Exception):
                future.result(patience_s)
            if future.done():
                return

    def _interpret(self, code: str) -> None:
        java = self._opened()
        result, told, statement = "Success", "", code
        system = self._jvm.java.lang.System
        before = getattr(system, "out")  # noqa: B009 - py4j reads a static field so
        self._thread = self._jvm.java.lang.Thread.currentThread()
        self._jvm.java.lang.Thread.interrupted()  # an interrupt that came too late for the statement before
        self._thread.setContextClassLoader(java.loader)
        scala_object(self._jvm.scala, "Console").setOutDirect(java.stream)
        system.setOut(java.stream)
        try:
            for statement in self._statements(java, code):
                result, told = self._interpreted(java, statement)
                if result != "Success":
                    break
                java.stream.print(told)
        finally:
            system.setOut(before)
            self._thread = None
            self._drained.clear()
            java.stream.print(self._mark)
            if java.stream.checkError():  # closed by the code
                java.stream = self._open_stream()
                java.stream.print(self._mark)
            self._drained.wait()
        if result == "Incomplete":
            raise named_error("Error", "incomplete statement", code.rstrip("\n").split("\n"))
        if result != "Success" and told.strip():
            raise scala_error(told, statement)
        # An error without a word is code that holds nothing but comments.

    def _interpreted(self, java: _Java, statement: str) -> tuple[str, str]:
        """How the interpreter calls the end of ``statement``, and what it says of it.

        These are the steps of the interpreter's own ``interpret``, which keeps the compiler while it runs the code.
        """
        interpreter = java.interpreter
        with self._compiling:
            compiled = interpreter.compile(statement, False)
            if not compiled.isRight():
                result = str(compiled.swap().toOption().get().toString())
                if result != "Incomplete":
                    _forget_warnings(interpreter)
                return result, taken(java.told)
        request = compiled.toOption().get()
        self._thread.setContextClassLoader(interpreter.classLoader())
        try:
            ran = request.lineRep().callEither("$print", java.values.list_of(()))
        finally:
            self._thread.setContextClassLoader(java.loader)
        with self._compiling:
            if ran.isRight():
                interpreter.reporter().printResult(ran)
                interpreter.recordRequest(request)
            else:
                thrown = request.lineRep().bindError(ran.swap().toOption().get())
                interpreter.reporter().printResult(self._jvm.scala.util.Left(thrown))
            _forget_warnings(interpreter)
            return "Success" if ran.isRight() else "Error", taken(java.told)

    def _statements(self, java: _Java, code: str) -> list[str]:
        """What to interpret one after the other; code that can't be read is left whole, for the error's sake."""
        with self._compiling:
            parsed = java.interpreter.parse(code)
            taken(java.told)
            if not parsed.isRight():
                return [code]
            trees = java.values.java_list(part(parsed.toOption().get(), 1))
            parts = [Part(tree.getClass().getSimpleName(), tree.pos().start(), tree.pos().end()) for tree in trees]
            pieces = statements(code, parts)
            sound = len(pieces) == 1 or all(java.interpreter.parse(piece).isRight() for piece in pieces)
            taken(java.told)
        return pieces if sound else [code]

    def _shown_by_magic(self, name: str, term: str) -> dict[str, Any]:
        interpreter = self._opened().interpreter
        with self._compiling:
            found = interpreter.valueOfTerm(term)
        if found.isEmpty():
            raise named_error("NameError", f"Value {term} does not exist", [])
        value = found.get()
        if self._jvm.Class.forName("org.apache.spark.rdd.RDD").isInstance(value):
            value = value.take(_ROWS_OF_MAGICS)
        try:
            formats = scala_object(self._jvm.org.json4s, "DefaultFormats")
            text = scala_object(self._jvm.org.json4s.jackson, "Serialization").write(value, formats)
            plain = json.loads(text)
        except Exception as error:
            raise named_error("ValueError", "Failed to convert value into a JSON value", []) from error
        if name == "json":
            return {"application/json": plain, "text/plain": text}
        try:
            return {TABLE: table(plain), "text/plain": text}
        except TypeError as error:
            raise named_error("TypeError", str(error), []) from error

    def _opened(self) -> _Java:
        if self._java is None:
            self._java = self._open()
        return self._java

    def _open(self) -> _Java:
        jvm = self._jvm
        os.makedirs(self._classes, mode=0o700, exist_ok=True)  # noqa: PTH103 - what Spark was told, a text
        # The loader that Spark gives its threads. Where it finds the interpreter's classes by itself, all parts of the
        # driver see the same ones, also those that were started before.
        loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
        loader.addURL(jvm.java.io.File(self._classes).toURI().toURL())
        values = ScalaValues(jvm)
        settings = jvm.scala.tools.nsc.Settings()
        settings.processArguments(values.list_of((*_OPTIONS, "-Yrepl-outdir", self._classes)), True)
        getattr(settings, "explicitParentLoader_$eq")(jvm.scala.Option.apply(loader))
        told = jvm.java.io.StringWriter()
        reporter = jvm.scala.tools.nsc.interpreter.shell.ReplReporterImpl(settings, jvm.java.io.PrintWriter(told, True))
        interpreter = jvm.scala.tools.nsc.interpreter.IMain(settings, reporter)
        helping = ScalaHelp(jvm, interpreter, told, Path(self._classes), self._compiling)
        java = _Java(interpreter, told, self._open_stream(), loader, values, helping)
        context = self._spark.sparkContext._jsc.sc()  # noqa: SLF001
        session = self._spark._jsparkSession  # noqa: SLF001
        transient = values.list_of(("@transient",))
        interpreter.bind("spark", "org.apache.spark.sql.SparkSession", session, transient)
        interpreter.bind("sc", "org.apache.spark.SparkContext", context, transient)
        result = str(interpreter.interpret(_IMPORTS).toString())
        said = taken(told)
        if result != "Success":
            raise scala_error(said or "The Scala interpreter can't be started.", _IMPORTS)
        return java

    def _open_stream(self) -> Any:
        """Where Scala code prints: a pipe that this process reads."""
        path = f"{self._classes}.out"
        os.mkfifo(path, 0o600)
        try:
            reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            file = self._jvm.java.io.FileOutputStream(path)
        finally:
            os.unlink(path)  # noqa: PTH108
        os.set_blocking(reading, True)
        threading.Thread(target=self._read, args=(reading,), name="hops-scala-output", daemon=True).start()
        return self._jvm.java.io.PrintStream(file, True, "UTF-8")

    def _read(self, reading: int) -> None:
        feed = OutputFeed(self._mark.encode(), self._take, self._drained.set)
        while block := os.read(reading, _BLOCK_BYTES):
            feed.feed(block)
        os.close(reading)

    def _take(self, text: str) -> None:
        sink = self._sink
        if sink is not None:
            sink.put(text)
        else:  # a thread of the user's that goes on after its statement
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())


def _forget_warnings(interpreter: Any) -> None:
    """Or they would be told of the next statement."""
    interpreter.reporter().reset()
    getattr(interpreter, "global")().currentRun().reporting().clearAllConditionalWarnings()
