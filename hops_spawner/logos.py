"""Pictures of the kernels, which Lab shows in its launcher: without, two of them are the letter P."""

from __future__ import annotations

_FRAME = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{}</svg>\n'

SPARK = _FRAME.format(
    '<path fill="#e25a1c" d="M32 4l6.5 18.5L57 16 44.500 31.500 60 43l-19.500.500L43 60 32 47.500 21 60l2.500-16.500'
    'L4 43l15.500-11.500L7 16l18.500 6.500z"/>'
)
"""A spark."""

SCALA = _FRAME.format(
    '<path fill="none" stroke="#a8281e" stroke-width="9" stroke-linecap="round"'
    ' d="M14 17q18 8 36-5M14 35q18 8 36-5M14 53q18 8 36-5"/>'
)
"""Steps of a stair: Scala."""

PROMPT = _FRAME.format(
    '<rect x="5" y="9" width="54" height="46" rx="7" fill="#2f6f9f"/>'
    '<path fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round" stroke-linejoin="round"'
    ' d="M17 22l11 10-11 10M34 43h13"/>'
)
"""A prompt: Python, and nothing else."""
