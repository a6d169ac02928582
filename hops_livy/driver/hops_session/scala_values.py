"""Scala's own values as py4j hands them over: lists, tuples, objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def scala_list(jvm: Any, items: Iterable[Any]) -> Any:
    """``items`` as a Scala ``List``."""
    array = jvm.java.util.ArrayList()
    for item in items:
        array.add(item)
    return jvm.scala.jdk.javaapi.CollectionConverters.asScala(array).toList()


def java_list(jvm: Any, items: Any) -> Any:
    """A Scala collection as a Java list, which Python can walk through."""
    return jvm.scala.jdk.javaapi.CollectionConverters.asJava(items)


def part(product: Any, number: int) -> Any:
    """A tuple's part, counted from 1."""
    return getattr(product, f"_{number}")()


def scala_object(package: Any, name: str) -> Any:
    """The Scala ``object`` of that name, which Java sees as a class with one instance."""
    return getattr(getattr(package, f"{name}$"), "MODULE$")


def taken(writer: Any) -> str:
    """What a Java ``StringWriter`` holds, which is empty afterwards."""
    text = str(writer.toString())
    writer.getBuffer().setLength(0)
    return text
