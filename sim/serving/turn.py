"""Turn: where a request stands in a conversation whose history is sent again. Knows no clock."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple


class Turn(NamedTuple):
    """One turn of a conversation; its turns come one after another, never two at once.

    `conversation` names the user, `content` what is said: behind the shared head of the prompt,
    each turn of one content begins with all of the turn before it and, if `resends`, with its
    answer (not if the answer began with reasoning that nobody sends back). `follows`: another turn
    of this content will come.
    """

    conversation: Hashable
    content: Hashable
    follows: bool
    resends: bool
