"""What a new project holds from the start: a notebook to begin with, and two real data sets."""

from hops_platform.projects.template.filling import FILLED, TemplateError, fill

__all__ = ["FILLED", "TemplateError", "fill"]
