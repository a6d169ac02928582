"""Completion and inspection of Scala, also while the interpreter runs a statement.

Laws:

1. The user's code is never run for it.
2. The interpreter's compiler is asked only while nothing is compiled, and for milliseconds: which names earlier cells
   have made, and how they are reached. All the rest is the work of a second compiler, which reads their classes.
3. That one is made for the first request, stays warm, and is held softly: Java takes its memory back before a cell
   would lack it, and the next request makes another.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError

from .scala_text import Asked, asked_at, name_at
from .scala_values import ScalaValues, inner_class, scala_object, taken

_PATIENCE_S = 2.0
"""How long a request waits for its turn, and for the end of what is being compiled."""
_ENDED_MS = 10_000
_FILE = "<console>"
"""The interpreter's own name for what it wraps: the compiler finds a tree's file by its name."""
_OF_A_CELL = "$line*"
"""Packages of what the interpreter has compiled: one for each statement."""


class ScalaHelp:
    """What the compiler knows of code that is being written.

    Args:
        jvm: The driver's Java machine.
        interpreter: The session's interpreter.
        told: Where the interpreter's compiler writes; what it says of code that is only being written goes nowhere.
        classes: The folder of the interpreter's classes.
        compiling: Held by whoever works with the interpreter's compiler.
    """

    def __init__(self, jvm: Any, interpreter: Any, told: Any, classes: Path, compiling: threading.Lock) -> None:
        self._values = ScalaValues(jvm)
        self._java = _Classes(jvm)
        self._interpreter = interpreter
        self._told = told
        self._classes = classes
        self._compiling = compiling
        self._asking = threading.Lock()
        self._held: Any = None
        self._known: set[str] = set()

    def complete(self, code: str, cursor: int) -> tuple[int, list[str]]:
        """Where the word at ``cursor`` begins, and the words that may stand there.

        Args:
            code: Scala.
            cursor: Index into ``code``, in characters.
        """
        asked, end = asked_at(code, cursor), time.monotonic() + _PATIENCE_S
        words = set(self._asked(asked, end, self._names))
        own = set(self._defined(end)) if asked.names_of_cells else set()
        # One's own first: of very many the service cuts the end off.
        listed = [*sorted(own), *sorted(words - own)]
        return cursor - len(asked.word), [word for word in listed if word and word.startswith(asked.word)]

    def inspect(self, code: str, cursor: int) -> str:
        """The declarations of the name at ``cursor``, a line for each overload; empty where none is known.

        Args:
            code: Scala.
            cursor: Index into ``code``, in characters.
        """
        name, end = name_at(code, cursor)
        if not name:
            return ""
        asked = asked_at(code, end)  # at its end, where the compiler tells whatever could still be meant
        told = self._asked(
            asked,
            time.monotonic() + _PATIENCE_S,
            lambda compiler, members: self._declarations(compiler, members, name, made=asked.made),
        )
        return "\n".join(dict.fromkeys(line for line in told if line))

    def _asked(self, asked: Asked, end: float, read: Callable[[Any, Any], list[str]]) -> list[str]:
        """What ``read`` makes of the compiler and of the members that fit; nothing where its turn comes too late."""
        if not _acquired(self._asking, end):
            return []
        try:
            compiler = self._compiler()
            members = self._members(compiler, asked, end)
            return [] if members is None else read(compiler, members)
        except Py4JError as error:
            self._held = None  # it may stand in the middle of something
            print("A completion of Scala failed:", str(error)[:2000], file=sys.__stderr__)
            return []
        finally:
            self._asking.release()

    def _compiler(self) -> Any:
        compiler = None if self._held is None else self._held.get()
        if compiler is None:
            compiler = self._interpreter.newPresentationCompiler()
            # Its thread works for editors, which ask and don't wait. It would keep the compiler for ever.
            compiler.askShutdown()
            compiler.compileRunner().join(_ENDED_MS)
            self._known = set()
            self._held = self._java.soft_reference(compiler)
        return compiler

    def _members(self, compiler: Any, asked: Asked, end: float) -> Any:
        """What may stand at the cursor, a Scala list; ``None`` where something is being compiled."""
        source = compiler.newSourceFile(asked.code, _FILE)
        parser = compiler.newUnitParser(self._java.unit(compiler, source))
        trees = list(self._values.java_list(parser.parseStats())) or [compiler.EmptyTree()]
        if not _acquired(self._compiling, end):
            return None
        try:
            wrapped, body = self._wrapped(compiler, asked.code, source, trees)
        finally:
            taken(self._told)
            self._compiling.release()
        self._enter_cells(compiler)
        unit = self._java.typed_unit(compiler, wrapped)
        getattr(unit, "body_$eq")(body)
        file = wrapped.file()
        compiler.unitOfFile().update(file, unit)
        try:
            before = compiler.pushPhase(compiler.currentRun().typerPhase())
            try:
                compiler.typeCheck(unit)
            finally:
                compiler.popPhase(before)
            found = compiler.completionsAt(wrapped.position(asked.cursor))
            return found.matchingResults(getattr(found, "matchingResults$default$1")())
        finally:
            compiler.unitOfFile().remove(file)
            compiler.reporter().reset()  # it keeps all errors, and code that is being written has many

    def _wrapped(self, compiler: Any, code: str, source: Any, trees: list[Any]) -> tuple[Any, Any]:
        """The code as the interpreter would wrap it, below all that earlier cells define: its source and its tree."""
        own = getattr(self._interpreter, "global")()
        into = own.mkImporter(compiler)
        parsed = self._values.list_of(into.importTree(tree) for tree in trees)
        # Generous with imports, written by a user, without a name for the result.
        request = self._java.request(
            self._interpreter, code, parsed, source, self._java.no_position, True, False, False
        )
        unit = request.mkUnit()
        return unit.source(), compiler.mkImporter(own).importTree(unit.body())

    def _enter_cells(self, compiler: Any) -> None:
        """Lets ``compiler`` know the packages that have come since it was made: it looks for them but once."""
        root = compiler.rootMirror().RootClass()
        for name in {path.name for path in self._classes.glob(_OF_A_CELL)} - self._known:
            if not root.info().decl(compiler.newTermName(name)).exists():
                loaders = compiler.loaders()
                loader = self._java.package_loader(loaders, name, compiler.classPath())
                loaders.enterPackage(root, name, loader)
            self._known.add(name)

    def _names(self, _compiler: Any, members: Any) -> list[str]:
        """The names of ``members``, in their order: often hundreds, so Java makes one text of them."""
        names = self._values.java_list(members).stream().map(self._java.name_of)
        return str(names.collect(self._java.joining)).split("\n")

    def _declarations(self, compiler: Any, members: Any, name: str, *, made: bool) -> list[str]:
        told: list[str] = []
        for number, found in enumerate(self._names(compiler, members)):
            if found == name:
                member = members.apply(number)
                symbol = member.sym()
                if made and symbol.isClass():
                    symbol = symbol.info().decl(compiler.nme().CONSTRUCTOR())
                told += [
                    str(one.sugaredSymbolOrSelf().defStringSeenAs(member.prefix().memberType(one))).strip()
                    for one in self._values.java_list(symbol.alternatives())
                ]
        return told

    def _defined(self, end: float) -> list[str]:
        """The names that earlier cells define."""
        if not _acquired(self._compiling, end):
            return []
        try:
            kinds = (self._interpreter.namedDefinedTerms(), self._interpreter.definedTypes())
            return [word for kind in kinds for word in str(kind.mkString("\n")).split("\n") if word.isidentifier()]
        finally:
            self._compiling.release()


def _acquired(lock: threading.Lock, end: float) -> bool:
    return lock.acquire(timeout=max(0.0, end - time.monotonic()))


class _Classes:
    """Classes of Java and of Scala's compiler, each looked up once."""

    def __init__(self, jvm: Any) -> None:
        compiler = jvm.scala.tools.nsc
        self.soft_reference = jvm.java.lang.ref.SoftReference
        self.unit = inner_class(compiler, "CompilationUnits", "CompilationUnit")
        self.typed_unit = inner_class(compiler.interactive, "RichCompilationUnits", "RichCompilationUnit")
        self.request = inner_class(compiler.interpreter, "IMain", "Request")
        self.package_loader = inner_class(compiler.symtab, "SymbolLoaders", "PackageLoader")
        self.no_position = scala_object(jvm.scala.reflect.internal.util, "NoPosition")
        self.joining = jvm.java.util.stream.Collectors.joining("\n")
        self.name_of = _name_of_member(jvm)


def _name_of_member(jvm: Any) -> Any:
    """A ``java.util.function.Function`` from a member to its name as it is written."""
    java, named = jvm.java.lang.invoke, jvm.java.lang.Class.forName
    member, name, text = map(
        named,
        ("scala.tools.nsc.interactive.CompilerControl$Member", "scala.reflect.internal.Names$Name", "java.lang.String"),
    )
    methods, of_type = java.MethodHandles.publicLookup(), java.MethodType.methodType
    chain = java.MethodHandles.filterReturnValue(
        methods.findVirtual(member, "symNameDropLocal", of_type(name)),
        methods.findVirtual(name, "decoded", of_type(text)),
    )
    return java.MethodHandleProxies.asInterfaceInstance(named("java.util.function.Function"), chain)
