"""Scala's own values as py4j hands them over: lists, tuples, objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ScalaValues:
    """Turns values of Scala into those of Java, and back.

    Classes are looked up once: of ``jvm.scala.jdk…`` py4j asks Java at each dot, which then searches all jars for a
    class of that name. That costs more than what is done with them.
    """

    def __init__(self, jvm: Any) -> None:
        self._converters = jvm.scala.jdk.javaapi.CollectionConverters
        self._array = jvm.java.util.ArrayList

    def list_of(self, items: Iterable[Any]) -> Any:
        """``items`` as a Scala ``List``."""
        array = self._array()
        for item in items:
            array.add(item)
        return self._converters.asScala(array).toList()

    def java_list(self, items: Any) -> Any:
        """A Scala collection as a Java list, which Python can walk through; each step asks Java."""
        return self._converters.asJava(items)


def part(product: Any, number: int) -> Any:
    """A tuple's part, counted from 1."""
    return getattr(product, f"_{number}")()


def scala_object(package: Any, name: str) -> Any:
    """The Scala ``object`` of that name, which Java sees as a class with one instance."""
    return getattr(getattr(package, f"{name}$"), "MODULE$")


def inner_class(package: Any, outer: str, name: str) -> Any:
    """A Scala class inside of a class; the first argument of its constructor is the outer one's instance."""
    return getattr(package, f"{outer}${name}")


def taken(writer: Any) -> str:
    """What a Java ``StringWriter`` holds, which is empty afterwards."""
    text = str(writer.toString())
    writer.getBuffer().setLength(0)
    return text
